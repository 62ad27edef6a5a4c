//! Follows the network: tells rounds and reports as they come, moves the market's clock, feeds the
//! explorer.
//!
//! Everything shown is read from the chain, or from a node's own files and checked against the
//! roots on the chain.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy::primitives::{B256, U256};
use anyhow::Context as _;
use chain::{ClaimState, Client, ClientError, Phase, contracts::rounds::IRounds};
use learn::{Dataset, Evaluate};
use node::{TensorStore, journal::Journal};
use tensor::{Hash, Tensor};
use tokio::sync::watch::Sender;

use super::{
    disputes,
    genesis::{self, Network, is_transient, patiently},
    house::Show,
    pages::{Pages, concentration::concentration},
    panel,
    quality::Quality,
    scores,
    screen::Screen,
    settings::{PUBLISHER, Settings},
    summary::{
        Account, Chain, Data, Distance, Pay, Rejected, Report, Round, Seats, Seconds, Summary,
    },
    without::Without,
};
use crate::{layout::Layout, money};

/// How often the chain is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(40);
/// How long to wait when the chain does not answer.
const RETRY: Duration = Duration::from_millis(200);

/// When a round's phases were first seen.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    opened: Option<Instant>,
    committed: Option<Instant>,
    revealed: Option<Instant>,
}

/// The follower.
#[derive(Debug)]
pub(crate) struct Watch {
    network: Network,
    dirs: Vec<PathBuf>,
    /// Places of the nodes that lie about their updates.
    liars: Vec<usize>,
    without: Option<Without>,
    market: B256,
    screen: Arc<Screen>,
    pages: Pages,
    evaluate: (Evaluate, Dataset),
    seen: (u64, Seen),
    told: u64,
    disputes: Vec<u64>,
    rounds: Vec<Round>,
    reports: Vec<Report>,
    house: Show,
    requirement: (Option<U256>, U256),
    params: Option<Tensor>,
    blocks: u64,
    /// Whether rows are paid by their worth.
    scored: bool,
}

/// The days that a new model is evaluated on.
pub(super) fn evaluation_days(plan: &market::Plan) -> anyhow::Result<Dataset> {
    let days = &plan.evaluations[0].days;
    let rows: Vec<Vec<f32>> = days.iter().map(|day| day.features.clone()).collect();
    #[expect(clippy::cast_possible_truncation, reason = "a ratio near 1, rounded to f32")]
    let targets: Vec<f32> = days.iter().map(|day| (day.proxy / day.anchor) as f32).collect();
    Dataset::new(&rows, &targets).context("the evaluation days")
}

impl Watch {
    pub(crate) async fn new(
        layout: &Layout,
        settings: &Settings,
        network: Network,
        screen: Arc<Screen>,
        view: Sender<Arc<explorer::View>>,
    ) -> anyhow::Result<Watch> {
        let data = evaluation_days(&network.plan)?;
        let house = patiently(|| Show::new(&network)).await?;
        let mut pages = Pages::new(&network, settings, view).await?;
        let shown = patiently(|| house.current(&network)).await?;
        shown.into_iter().for_each(|house| pages.show_house(house));
        let evaluate = Evaluate::new(network.job.model()).context("the evaluation Program")?;
        let about_updates = |index: &usize| settings.lie(*index).is_some_and(node::Lie::of_update);
        let liars: Vec<usize> = (0..network.nodes.len()).filter(about_updates).collect();
        let slices = network.plan.slices.iter().take(network.nodes.len()).enumerate();
        let honest = slices.filter(|(index, _)| !liars.contains(index));
        let honest = honest.map(|(_, slice)| slice.train.clone());
        Ok(Watch {
            dirs: genesis::node_dirs(layout),
            without: settings.attack.then(|| Without::new(&network.job, honest)),
            liars,
            market: node::market_id(network.market()),
            pages,
            evaluate: (evaluate, data),
            seen: (0, Seen::default()),
            told: network.told,
            disputes: Vec::new(),
            rounds: Vec::new(),
            reports: Vec::new(),
            house,
            requirement: (None, U256::ZERO),
            params: None,
            blocks: 0,
            scored: settings.attack,
            network,
            screen,
        })
    }

    /// Follows until this many more rounds are settled and reported, or for ever.
    pub(crate) async fn run(&mut self, rounds: Option<u64>) -> anyhow::Result<()> {
        self.requirement.0 = Some(patiently(|| async { Ok(self.initial().await?) }).await?);
        let wanted = rounds.map_or(usize::MAX, |rounds| rounds.try_into().unwrap_or(usize::MAX));
        loop {
            match self.look(wanted).await {
                Ok(()) => {}
                Err(error) if is_transient(&error) => tokio::time::sleep(RETRY).await,
                Err(error) => return Err(error),
            }
            if self.rounds.len() >= wanted && self.shown() && self.told_scores() {
                return Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Keeps the pages fresh without moving the clock.
    pub(crate) async fn follow(&mut self) -> anyhow::Result<()> {
        loop {
            match self
                .pages
                .update(&self.network, &self.rounds, self.params.as_ref().and_then(Tensor::as_f32))
                .await
            {
                Err(error) if !is_transient(&error) => return Err(error),
                _ => tokio::time::sleep(LOOK_EVERY * 5).await,
            }
        }
    }

    /// Looks once. Rounds are told from the chain's events, so that none is missed however fast
    /// the next one opens.
    async fn look(&mut self, wanted: usize) -> anyhow::Result<()> {
        let round = self.network.client.round().await?;
        self.time(&round);
        self.pages
            .update(&self.network, &self.rounds, self.params.as_ref().and_then(Tensor::as_f32))
            .await?;
        for dispute in disputes::ended(self.pages.history()) {
            if !self.disputes.contains(&dispute.id) {
                self.screen.line(&disputes::line(&dispute));
                self.disputes.push(dispute.id);
            }
        }
        while self.rounds.len() < wanted
            && let Some((number, model)) = self.pages.settled_after(self.told)
            && let Some(report) = self.report(number)
        {
            self.tell(number, model, report).await?;
        }
        self.tell_scores()?;
        if let Some(day) = self.day(self.told)
            && !self.shown()
        {
            let date = self.date(self.told);
            if let Some(done) = self.house.look(&self.network, (day, &date)).await? {
                self.screen.line(&done.line);
                done.house.into_iter().for_each(|house| self.pages.show_house(house));
            }
        }
        self.advance(&round, self.rounds.len() < wanted && self.shown()).await?;
        self.blocks = self.network.client.block_number().await?;
        Ok(())
    }

    /// Tells what rows of earlier rounds were worth, as far as the chain has settled that.
    fn tell_scores(&mut self) -> anyhow::Result<()> {
        for round in &mut self.rounds {
            let settled = self.pages.history().scores.get(&round.index);
            if let Some(settled) = settled.filter(|_| self.scored && round.pay.is_empty()) {
                round.pay = scores::pay(&self.dirs, round.index, settled)?;
                self.screen.line(&scores::line(round));
            }
        }
        Ok(())
    }

    /// Whether all is told of what rows were worth that the rounds so far let the chain settle.
    fn told_scores(&self) -> bool {
        let lag = node::SCORED_DAYS;
        let due = self.rounds.len().saturating_sub(lag);
        !self.scored || self.rounds.iter().take(due).all(|round| !round.pay.is_empty())
    }

    /// Whether the house has been shown on the day of the last round told.
    fn shown(&self) -> bool {
        let day = self.day(self.told).filter(|_| self.told > 0);
        day.is_none_or(|day| self.house.is_done(&self.network, day))
    }

    /// Notes when a phase is first seen.
    fn time(&mut self, round: &IRounds::Round) {
        if self.seen.0 != round.number {
            self.seen = (round.number, Seen::default());
        }
        let now = Some(Instant::now());
        let seen = &mut self.seen.1;
        match Phase::from_word(round.phase) {
            Phase::Commit => seen.opened = seen.opened.or(now),
            Phase::Reveal => seen.committed = seen.committed.or(now),
            Phase::Aggregate => seen.revealed = seen.revealed.or(now),
            _ => {}
        }
        let phase = match Phase::from_word(round.phase) {
            Phase::Commit => "commit",
            Phase::Reveal => "reveal",
            Phase::Aggregate => "aggregate",
            _ => "between rounds",
        };
        self.screen.now(&format!("round {}: {phase}", round.number));
    }

    /// Moves the embedded chain's clock to the next round's day, once the last one is settled and
    /// reported.
    async fn advance(&mut self, round: &IRounds::Round, wanted: bool) -> anyhow::Result<()> {
        if !self.network.data_clock || Phase::from_word(round.phase) != Phase::Idle {
            return Ok(());
        }
        let next = round.number + 1;
        let ended =
            settled(&self.network.client, round).await?.is_none_or(|number| self.told >= number);
        let Some(day) = self.day(next) else {
            self.screen.now("the data ends here");
            return Ok(());
        };
        if ended && wanted {
            let head = self.network.client.block(alloy::eips::BlockNumberOrTag::Latest).await?;
            if head.is_some_and(|head| head.header.timestamp < day) {
                self.network.client.set_next_time(day).await?;
                self.network.client.mine().await?;
            }
        }
        Ok(())
    }

    /// Midnight of a round's day.
    fn day(&self, round: u64) -> Option<u64> {
        let round = usize::try_from(round).ok()?;
        self.network.calendar().get(round).copied()
    }

    /// Returns the margin report of a round once the gate has it.
    fn report(&self, round: u64) -> Option<Report> {
        let provider = self.network.nodes[PUBLISHER];
        let made = self.pages.margin(provider, self.market, self.day(round)?)?;
        Some(Report {
            value: fraction(made.value),
            lower: fraction(made.lower),
            upper: fraction(made.upper),
            claim: made.claim.unwrap_or_default(),
            state: String::new(),
            block: made.at.block,
            market_day: self.date(round),
        })
    }

    async fn tell(&mut self, round: u64, model: Hash, report: Report) -> anyhow::Result<()> {
        let mut told = self.settled_round(round, model)?;
        told.loss_without = self.loss_without(round).await?;
        let before = self.requirement.1;
        self.requirement.1 = self.initial().await?;
        if before.is_zero() {
            self.requirement.0 = self.requirement.0.or(Some(self.requirement.1));
        }
        let from = if before.is_zero() { self.requirement.0.unwrap_or_default() } else { before };
        self.screen.line(&format!("replaying {}, {}", told.market_day, self.network.market()));
        self.screen.line(&round_line(&told));
        self.screen.line(&format!(
            "          margin {:.2} % (quantile {:.2} %, shortfall {:.2} %), claim {} {} · short \
             account: requirement {} -> {} · recompute it: assay replay {}",
            100.0 * report.upper,
            100.0 * report.lower,
            100.0 * report.value,
            report.claim,
            self.with_state(&report).state,
            money::asked(from),
            money::asked(self.requirement.1),
            told.index
        ));
        panel::write_accounts(&self.network).await?;
        self.told = round;
        self.rounds.push(told);
        self.reports.push(report);
        Ok(())
    }

    async fn initial(&self) -> Result<U256, ClientError> {
        let short = &self.network.short;
        Ok(short.account(short.address()).await?.initial)
    }

    /// Puts a settled round together from a node's files, checked against the chain.
    fn settled_round(&mut self, round: u64, model: Hash) -> anyhow::Result<Round> {
        let (entry, store) = self
            .dirs
            .iter()
            .find_map(|dir| {
                let entry = Journal::open(dir).ok()?.get(round)?;
                let store = TensorStore::open(&dir.join("tensors")).ok()?;
                (entry.output_roots[0] == model).then_some((entry, store))
            })
            .with_context(|| format!("no node kept round {round}"))?;
        let outputs = Outputs::read(&store, &entry.output_roots)?;
        let before = store.get(entry.cumulative_root)?;
        let before = before.as_f64().unwrap_or(&[]);
        let mut accepted = Vec::new();
        let mut rejected = Vec::new();
        let mut pay = Vec::new();
        let mut distances = Vec::new();
        let mut seats = Vec::new();
        // A node's rows stand together and are alike: the first one tells.
        let mut row = 0;
        for rows in entry.members.chunk_by(|one, next| one.node == next.node) {
            let member = &rows[0];
            let at = member.node as usize;
            seats.push(Seats { node: member.node, seats: rows.len() });
            let gwei = outputs.cumulative.get(at).unwrap_or(&0.0) - before.get(at).unwrap_or(&0.0);
            if !self.scored {
                let tokens = format!("{}", gwei / 1e9);
                pay.push(Pay { node: member.node, tokens, burnt: None, score: None });
            }
            let distance = outputs.distance.get(row).copied().unwrap_or(f64::NAN);
            distances.push(Distance { node: member.node, distance });
            if outputs.accepted.get(row) == Some(&1) {
                accepted.push(member.node);
            } else {
                rejected.push(Rejected {
                    node: member.node,
                    reason: format!(
                        "more than {} times the median distance from the coordinate median",
                        round::aggregate::REJECTION_FACTOR
                    ),
                    distance,
                    liar: self.is_liar(member.node),
                });
            }
            row += rows.len();
        }
        self.params = Some(outputs.params.clone());
        Ok(Round {
            index: round,
            market_day: self.date(round),
            participants: seats.iter().map(|one| one.node).collect(),
            seats,
            accepted,
            rejected,
            loss: self.loss(&outputs.params)?,
            loss_without: None,
            model: entry.output_roots[0].to_string(),
            program: entry.program.to_string(),
            pay,
            distances,
            seconds: self.seconds(round),
        })
    }

    /// Registry indices follow the order of joining, so a liar is found by its key.
    fn is_liar(&self, index: u32) -> bool {
        let key = self.pages.node_key(index);
        self.liars.iter().any(|liar| key.is_some() && key == self.network.nodes.get(*liar).copied())
    }

    fn loss(&self, params: &Tensor) -> anyhow::Result<f64> {
        let (evaluate, data) = &self.evaluate;
        let loss = evaluate.loss(params, data, kernels::eval).context("the evaluation loss")?;
        Ok(f64::from(loss))
    }

    /// The loss of the same rounds without those who attack.
    async fn loss_without(&mut self, round: u64) -> anyhow::Result<Option<f64>> {
        if self.without.is_none() {
            return Ok(None);
        }
        let Some(seed) = self.train_seed(round).await? else { return Ok(None) };
        let Some(without) = &mut self.without else { return Ok(None) };
        let params = without.next(&self.network.job, (round, seed))?.cloned();
        params.map(|params| self.loss(&params)).transpose()
    }

    /// Seed of the data's order in a round, as its nodes had it.
    async fn train_seed(&self, round: u64) -> anyhow::Result<Option<tensor::Hash>> {
        let Some(opened) = self.pages.history().rounds.get(&round) else { return Ok(None) };
        let (number, salts) = (opened.opened.block.into(), node::hash(opened.salts));
        let Some(block) = self.network.client.block(number).await? else { return Ok(None) };
        let job = node::hash(self.network.client.round_config().await?.job);
        let hash = node::hash(block.header.hash);
        Ok(Some(round::digest::train_seed(job, round, hash, salts)))
    }

    fn seconds(&self, round: u64) -> Seconds {
        let seen = if self.seen.0 == round { self.seen.1 } else { Seen::default() };
        let span = |from: Option<Instant>, to: Option<Instant>| match (from, to) {
            (Some(from), Some(to)) => to.duration_since(from).as_secs_f64(),
            _ => 0.0,
        };
        Seconds {
            commit: span(seen.opened, seen.committed),
            reveal: span(seen.committed, seen.revealed),
            aggregate: span(seen.revealed, Some(Instant::now())),
        }
    }

    fn date(&self, round: u64) -> String {
        let days = &self.network.plan.evaluations[0].days;
        let day = usize::try_from(round).ok().and_then(|round| days.get(round));
        day.map_or_else(String::new, |day| day.date.to_string())
    }

    /// Judges the rounds told so far.
    pub(crate) fn quality(&self) -> anyhow::Result<Quality> {
        let mut quality = Quality::default();
        quality.count(&self.rounds, |node| self.is_liar(node));
        if let Some(params) = &self.params {
            let (model, plan) = (self.network.job.model(), &self.network.plan);
            quality.score(model, &plan.evaluations[0], params)?;
        }
        Ok(quality)
    }

    /// Returns a report with where its claim stands by now.
    fn with_state(&self, report: &Report) -> Report {
        let claim = self.pages.history().claims.get(&report.claim);
        let state = claim.map_or("unknown", |claim| super::state(claim.state)).to_owned();
        Report { state, ..report.clone() }
    }

    /// Returns everything told so far.
    pub(crate) fn summary(&self, explorer: &str) -> anyhow::Result<Summary> {
        Ok(Summary {
            data: Data {
                market: self.network.market().to_owned(),
                proxy: self.network.plan.evaluations[0].proxy.to_string(),
                market_day: self.date(self.told),
            },
            rounds: self.rounds.clone(),
            disputes: disputes::ended(self.pages.history()),
            oracle: self.reports.iter().map(|report| self.with_state(report)).collect(),
            house: self.house.days.clone(),
            account: Account {
                address: self.network.short.address().to_string(),
                margin_before: money::asked(self.requirement.0.unwrap_or_default()),
                margin_after: money::asked(self.requirement.1),
            },
            concentration: concentration(&self.pages.history().holdings),
            quality: self.quality()?,
            chain: Chain { id: self.network.client.chain_id(), blocks: self.blocks },
            explorer: explorer.to_owned(),
        })
    }
}

/// The outputs of an aggregation as plain numbers.
struct Outputs {
    params: Tensor,
    accepted: Vec<i32>,
    distance: Vec<f64>,
    cumulative: Vec<f64>,
}

impl Outputs {
    fn read(store: &TensorStore, roots: &[Hash; 4]) -> anyhow::Result<Outputs> {
        let [params, accepted, distance, cumulative] = roots.map(|root| store.get(root));
        let wrong = "an output of the aggregation has another type";
        Ok(Outputs {
            params: params?,
            accepted: accepted?.as_i32().context(wrong)?.to_vec(),
            distance: distance?.as_f64().context(wrong)?.to_vec(),
            cumulative: cumulative?.as_f64().context(wrong)?.to_vec(),
        })
    }
}

/// Returns the last round that was told before this start: the last one that ended, with its report
/// where it settled.
///
/// To be asked before any node runs, since on a chain with its own clock they begin at once.
pub(crate) async fn told_before(
    client: &Client,
    market: B256,
    calendar: &[u64],
) -> anyhow::Result<u64> {
    let round = client.round().await?;
    let unfinished = round.number.saturating_sub(1);
    let Some(number) = settled(client, &round).await? else { return Ok(unfinished) };
    let day = usize::try_from(number).ok().and_then(|number| calendar.get(number));
    let day = day.context("a round beyond the data")?;
    let (_, applied) = client.price(market).await?;
    Ok(if applied >= *day { number } else { unfinished })
}

/// Returns a round's number when it ended with a final claim.
async fn settled(client: &Client, round: &IRounds::Round) -> Result<Option<u64>, ClientError> {
    if Phase::from_word(round.phase) != Phase::Idle || round.claim.is_zero() {
        return Ok(None);
    }
    let claim = client.claim(round.claim).await?;
    let last = ClaimState::from_word(claim.state) == Some(ClaimState::Final);
    Ok(last.then_some(round.number))
}

fn fraction(wad: U256) -> f64 {
    let wad = u128::try_from(wad).unwrap_or(u128::MAX);
    #[expect(clippy::cast_precision_loss, reason = "shown to a few digits")]
    let value = wad as f64;
    value / 1e18
}

fn round_line(round: &Round) -> String {
    let accepted: Vec<String> = round.accepted.iter().map(ToString::to_string).collect();
    let rejected: Vec<String> = round
        .rejected
        .iter()
        .map(|one| {
            let liar = if one.liar { " (the liar)" } else { "" };
            format!(
                " · rejected {}{liar}: {:.1} times the median distance, unpaid",
                one.node, one.distance
            )
        })
        .collect();
    let without = round
        .loss_without
        .map_or_else(String::new, |loss| format!(" ({loss:.4} without those who attack)"));
    format!(
        "round {:<3} loss {:.4}{without} · accepted {}{}",
        round.index,
        round.loss,
        accepted.join(" "),
        rejected.concat()
    )
}
