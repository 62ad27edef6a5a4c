//! Jobs on the terminal.

use chain::Client;
use explorer::view::Job;

use super::read;

/// Prints all jobs.
pub(super) async fn list(client: &Client, json: bool) -> anyhow::Result<()> {
    let jobs = read::all(client).await?;
    if json {
        println!("{}", serde_json::to_string_pretty(&jobs)?);
        return Ok(());
    }
    if jobs.is_empty() {
        println!("no jobs yet; `assay job create --requirement TEXT` makes one");
        return Ok(());
    }
    println!(
        "{:>4}  {:<10} {:>6} {:>5} {:>14}  waits for",
        "job", "state", "rounds", "nodes", "escrow"
    );
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
    Ok(())
}

/// Prints one job.
pub(super) async fn one(client: &Client, number: u64, json: bool) -> anyhow::Result<()> {
    let job = read::job(client, number).await?;
    if json {
        println!("{}", serde_json::to_string_pretty(&job)?);
    } else {
        print(&job);
    }
    Ok(())
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
