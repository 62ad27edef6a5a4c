//! Jobs on the terminal.

use chain::Client;
use explorer::view::{Job, OpenJob};

use super::{
    open::{self, Number},
    read,
};

/// Prints all jobs of both kinds.
pub(super) async fn list(client: &Client, json: bool) -> anyhow::Result<()> {
    let (jobs, open) = (read::all(client).await?, open::read::all(client).await?);
    if json {
        let mut all = Vec::new();
        for job in &jobs {
            all.push(of_kind("private", serde_json::to_value(job)?));
        }
        for job in &open {
            all.push(of_kind("open", serde_json::to_value(job)?));
        }
        println!("{}", serde_json::to_string_pretty(&all)?);
        return Ok(());
    }
    if jobs.is_empty() && open.is_empty() {
        println!(
            "no jobs yet; `assay job create --requirement TEXT` makes one on private data, `assay \
             job example DIR` and `assay job open DIR` one on public data"
        );
        return Ok(());
    }
    if !jobs.is_empty() {
        println!(
            "{:>4}  {:<10} {:>6} {:>5} {:>14}  waits for",
            "job", "state", "rounds", "nodes", "escrow"
        );
    }
    for job in &jobs {
        println!(
            "{:>4}  {:<10} {:>6} {:>5} {:>14}  {}",
            job.number,
            job.state,
            job.settled,
            job.nodes,
            job.escrow.rounded(2),
            job.waits
        );
    }
    if !open.is_empty() {
        println!("{:>4}  {:>6} {:>5} {:>14} {:>12}  open", "job", "runs", "paid", "escrow", "pay");
    }
    for job in &open {
        println!(
            "{:>4}  {:>6} {:>5} {:>14} {:>12}  {}",
            format!("o{}", job.number),
            job.runs.len(),
            job.runs.iter().filter(|run| run.state == "paid").count(),
            job.escrow.rounded(2),
            job.pay.rounded(2),
            job.description
        );
    }
    Ok(())
}

/// Prints one job.
pub(super) async fn one(client: &Client, number: Number, json: bool) -> anyhow::Result<()> {
    match number {
        Number::Private(number) => {
            let job = read::job(client, number).await?;
            if json {
                println!("{}", serde_json::to_string_pretty(&job)?);
            } else {
                print(&job);
            }
        }
        Number::Open(number) => {
            let job = open::read::job(client, number).await?;
            if json {
                println!("{}", serde_json::to_string_pretty(&job)?);
            } else {
                print_open(&job);
            }
        }
    }
    Ok(())
}

/// Says of a job which kind it is.
fn of_kind(kind: &str, mut job: serde_json::Value) -> serde_json::Value {
    if let Some(fields) = job.as_object_mut() {
        fields.insert("kind".to_owned(), kind.into());
    }
    job
}

fn print_open(job: &OpenJob) {
    println!("job       o{}, open, until block {}", job.number, job.end_block);
    println!("is        {}", job.description);
    println!("sponsor   {}", job.sponsor.address);
    println!("program   {}, {} times a run", job.program, job.iterations);
    println!("pay       {} tokens a run, deposit {}", job.pay.rounded(2), job.deposit.rounded(2));
    println!("escrow    {}, and {} reserved", job.escrow.rounded(2), job.reserved.rounded(2));
    for root in &job.inputs {
        println!("file      {root}.bin");
    }
    for run in &job.runs {
        let loss = run.loss.map_or_else(String::new, |loss| format!(", loss {loss:.6}"));
        let claim = run
            .claim
            .map_or_else(String::new, |claim| format!(", claim {claim} is {}", run.claim_state));
        let model = if run.is_model { ", the job's model" } else { "" };
        println!(
            "run {:<5} {} by {}{claim}{loss}{model}",
            run.number, run.state, run.trainer.address
        );
    }
}

fn print(job: &Job) {
    println!("job       {}, {}", job.number, job.state);
    println!("waits for {}", job.waits);
    println!("data      {}", job.requirement);
    println!("sponsor   {}", job.sponsor.address);
    println!("rounds    {} settled, {} tokens each", job.settled, job.pay.rounded(2));
    println!(
        "paid      {} tokens for rounds, {} in escrow",
        job.released.rounded(2),
        job.escrow.rounded(2)
    );
    println!("nodes     {}", job.nodes);
    if let Some(block) = job.retire_block {
        println!("notice    may be retired from block {block} on");
    }
    for part in &job.contracts {
        println!("{:<9} {}", part.label, part.address);
    }
    for (number, epoch) in job.epochs.iter().enumerate() {
        println!(
            "epoch {number:<3} {} tokens of fees, {} claimed, split by pay of {}",
            epoch.revenue.rounded(4),
            epoch.paid.rounded(4),
            epoch.total.rounded(2)
        );
    }
}
