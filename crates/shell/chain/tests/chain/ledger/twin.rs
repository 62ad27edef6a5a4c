//! The contracts on an embedded chain and the ledger beside them, called with the same words.
//!
//! A call goes to the contracts first. Where they take it, the ledger plays it in the block that
//! took it; where they refuse it, in the block it was tried for. Then everything that can be asked
//! of both is asked.

use std::collections::BTreeSet;

use alloy::{
    eips::BlockNumberOrTag,
    primitives::{Address, B256, Bytes, U256},
};
use chain::{
    Client, ClientError, Deployment, Phase, abi,
    client::{Mined, Reveal},
    contracts::{
        court::{Court, ICourt},
        registry::Registry,
        rewards::Rewards,
        rounds::{IRounds, Rounds},
        scores::{IScores, Scores},
        token::AssayToken,
    },
    deploy::Setup,
    embedded::Server,
};
use round::{
    Config, Domain, Ledger, ScoreTerms, Seat,
    ledger::{Input, Past, Refusal},
};
use tensor::Hash;

use super::told;
use crate::fixture::key;

/// Keys that take part; the first deployed the contracts.
pub(crate) const KEYS: u8 = 6;
/// Key `n` is paid at the address of key `PAYEES + n`.
pub(crate) const PAYEES: u8 = 100;

pub(crate) fn account(address: Address) -> court::Address {
    court::Address(address.into_array())
}

pub(crate) fn hash(word: B256) -> Hash {
    Hash(word.0)
}

pub(crate) fn word(hash: Hash) -> B256 {
    B256::from(hash.0)
}

fn wei(amount: U256) -> u128 {
    amount.to()
}

/// What was deployed, as the ledger takes it.
pub(crate) fn ledger_config(setup: &Setup, at: &Deployment) -> Config {
    let IRounds::Config {
        job,
        nodes,
        quorum,
        capacity,
        cumulativeLength: cumulative_length,
        commitBlocks: commit_blocks,
        revealBlocks: reveal_blocks,
        aggregateBlocks: aggregate_blocks,
        budgetGwei: budget_gwei,
        unrevealedPenalty,
        updateLength: update_length,
        trainProgram: _,
        initialModel,
        initialCumulative,
        aggregatePrograms,
    } = setup.rounds.clone();
    Config {
        domain: Domain { chain_id: at.chain_id, rounds: account(at.rounds), job: hash(job) },
        nodes,
        quorum,
        capacity,
        cumulative_length,
        commit_blocks,
        reveal_blocks,
        aggregate_blocks,
        budget_gwei,
        unrevealed_penalty_wei: wei(unrevealedPenalty),
        update_length,
        initial_model: hash(initialModel),
        initial_cumulative: hash(initialCumulative),
        aggregate_programs: aggregatePrograms.into_iter().map(hash).collect(),
        terms: court::Terms {
            bond_wei: wei(setup.bond),
            window_blocks: setup.window_blocks,
            clock_blocks: setup.clock_blocks,
            gas_price_wei_max: wei(setup.gas_price_cap),
        },
        minimum_stake_wei: wei(setup.minimum_stake),
        unbond_blocks: setup.unbond_blocks,
        scores: setup.scored.then(|| score_terms(&setup.scores, at)),
    }
}

fn score_terms(terms: &IScores::Terms, at: &Deployment) -> ScoreTerms {
    ScoreTerms {
        contract: account(at.scores),
        programs: terms.programs.iter().copied().map(hash).collect(),
        models: terms.models,
        window_bytes: usize::try_from(terms.windowLength).expect("a usize holds a u32"),
        lag: terms.lag,
        window_blocks: terms.windowBlocks,
        turn_blocks: terms.turnBlocks,
        budget_gwei: terms.budgetGwei,
    }
}

/// Both, and what was seen on the way.
pub(crate) struct Twin {
    clients: Vec<Client>,
    pub(crate) ledger: Ledger,
    pub(crate) head: u64,
    /// Names of the calls that were accepted, of what they logged and of the errors.
    pub(crate) seen: BTreeSet<String>,
    pub(crate) calls: u32,
}

impl Twin {
    /// Starts from freshly deployed contracts and the accounts as they are.
    pub(crate) async fn new(server: &Server, setup: &Setup, at: &Deployment) -> Self {
        let owner = Client::connect(&server.url(), key(0)).await.expect("the chain answers");
        let owner = owner.with(at.clone());
        let clients: Vec<_> = (0..KEYS).map(|n| owner.with_signer(key(n))).collect();
        let mut balances = Vec::new();
        for client in &clients {
            let held = client.tokens(client.address()).await.expect("a view");
            balances.push((account(client.address()), wei(held)));
        }
        balances[0].1 += wei(setup.fund);
        let config = ledger_config(setup, at);
        let mut ledger = Ledger::new(config, &balances).expect("the contracts took it");
        let fund = Input::Fund { amount_wei: wei(setup.fund) };
        ledger.handle(0, balances[0].0, fund).expect("it has the balance");
        let mut twin = Self { clients, ledger, head: 0, seen: BTreeSet::new(), calls: 0 };
        twin.follow().await;
        twin.compare().await;
        twin
    }

    pub(crate) fn client(&self, who: u8) -> &Client {
        &self.clients[usize::from(who)]
    }

    pub(crate) fn account(&self, who: u8) -> court::Address {
        account(self.client(who).address())
    }

    /// Tells the ledger of the blocks since.
    pub(crate) async fn follow(&mut self) {
        let head = self.clients[0].block_number().await.expect("an answer");
        for number in self.head + u64::from(self.head > 0)..=head {
            let tag = BlockNumberOrTag::Number(number);
            let block = self.clients[0].block(tag).await.expect("an answer").expect("a block");
            self.ledger.observe(number, hash(block.header.hash));
        }
        self.head = head;
    }

    /// Makes empty blocks.
    pub(crate) async fn mine(&mut self, blocks: u64) {
        for _ in 0..blocks {
            self.clients[0].mine().await.expect("a block");
        }
        self.follow().await;
        self.compare().await;
    }

    /// Makes one call on both and compares what comes of it. `signatures` are those of a reveal.
    pub(crate) async fn call(&mut self, who: u8, input: Input, signatures: Bytes) {
        let what = format!("call {} of {who}, block {}: {input:?}", self.calls, self.head + 1);
        self.calls += 1;
        let name = format!("{input:?}");
        let name = name.trim_start_matches("Court(");
        let name = name.split([' ', '{']).next().expect("a name").to_owned();
        let caller = self.account(who);
        match send(self.client(who), &input, signatures).await {
            Ok(mined) => {
                assert_eq!(mined.block, self.head + 1, "{what}");
                let events = self.ledger.handle(mined.block, caller, input);
                let events = events.unwrap_or_else(|r| panic!("{what}: taken, but ledger: {r}"));
                let own: Vec<_> = events.iter().filter_map(told::event).collect();
                assert_eq!(own, logged(&mined), "{what}");
                self.seen.insert(name);
                self.seen.extend(own.into_iter().map(str::to_owned));
                self.follow().await;
                self.compare().await;
            }
            Err(ClientError::Reverted { revert, .. }) => {
                let error = revert.error.unwrap_or_else(|| panic!("{what}: {}", revert.data));
                let before = self.ledger.clone();
                let refused = self.ledger.handle(self.head + 1, caller, input);
                let Err(refusal) = refused else {
                    panic!("{what}: {error}, but the ledger took it")
                };
                let told = told::refusal(&refusal);
                assert!(told.agrees(&error), "{what}: {error}, but the ledger: {told:?}");
                assert_eq!(self.ledger, before, "{what}");
                self.seen.insert(error.name);
            }
            Err(error) => panic!("{what}: {error}"),
        }
    }

    /// Asks both everything, as of the last block.
    pub(crate) async fn compare(&mut self) {
        let asked = &self.clients[0];
        let (head, at) = (self.head, asked.deployment());
        let shown = asked.round().await.expect("a view");
        assert_eq!(shown, round(&self.ledger.round(head)), "current() at {head}");
        let elected = self.ledger.aggregator(head);
        let refused = same_answer(asked.aggregator().await, elected, "aggregator()");
        self.seen.extend(refused);
        if Phase::from_word(shown.phase) == Phase::Aggregate {
            let root = asked.inputs_root().await.expect("a view");
            assert_eq!(root, word(self.ledger.inputs_root()), "inputsRoot() at {head}");
        }
        let view = self.ledger.view(head, self.account(1));
        let opens = asked.view(at.rounds, Rounds::openCall {}).await;
        assert_eq!(opens.is_ok(), view.openable, "open() at {head}");
        let own = asked.find(self.client(1).address()).await.expect("a view");
        assert_eq!(own, view.own, "find() at {head}");
        let count = asked.view(at.court, Court::claimCountCall {}).await.expect("a view");
        let last: u64 = count.to();
        assert!(self.ledger.claim(last + 1).is_none(), "claims at {head}");
        for id in last.saturating_sub(1).max(1)..=last {
            let shown = asked.claim(U256::from(id)).await.expect("a view");
            let own = self.ledger.claim(id).expect("both count alike");
            assert_eq!(shown, claim(own), "claim({id}) at {head}");
        }
        self.compare_tokens().await;
        self.compare_scores().await;
    }

    async fn compare_scores(&mut self) {
        let Some((root, scored, paid_wei)) = self.ledger.scored() else { return };
        let (head, at) = (self.head, self.clients[0].deployment());
        let asked = &self.clients[0];
        let shown = asked.scored_root().await.expect("a view");
        assert_eq!(shown, word(root), "what scores pay at {head}");
        let shown = asked.view(at.scores, Scores::scoredCountCall {}).await.expect("a view");
        assert_eq!(usize::try_from(shown), Ok(scored), "scoredCount() at {head}");
        let shown = asked.view(at.scores, Scores::paidCall {}).await.expect("a view");
        assert_eq!(wei(shown), paid_wei, "paid() at {head}");
        let next = asked.next_score().await.expect("a view");
        assert_eq!(next, self.ledger.next_score(), "next() at {head}");
        let turn = asked.view(at.scores, Scores::posterCall {}).await;
        let turn = turn.map(|turn| (turn.node, turn.free));
        let refused = same_answer(turn, self.ledger.poster(head), "poster()");
        self.seen.extend(refused);
        for round in next.into_iter().flat_map(|next| next..next + 3) {
            let shown = self.clients[0].past(round).await.expect("a view");
            let own = self.ledger.past(round);
            assert_eq!(shown, own.as_ref().map(past), "pastOf({round}) at {head}");
        }
    }

    async fn compare_tokens(&self) {
        let (head, at) = (self.head, self.clients[0].deployment());
        let asked = &self.clients[0];
        for (index, node) in (0..).zip(asked.nodes().await.expect("views")) {
            let own = self.ledger.node(index).expect("both count alike");
            let shown = (account(node.key), account(node.payee), wei(node.stake), node.unbondBlock);
            let own = (own.key, own.payee, own.stake_wei, own.unbond_block);
            assert_eq!(shown, own, "node {index} at {head}");
            let paid = asked.paid(index).await.expect("a view");
            assert_eq!(wei(paid), self.ledger.paid_wei(index), "paid({index}) at {head}");
        }
        for n in (0..KEYS).flat_map(|n| [n, PAYEES + n]) {
            let address = key(n).address();
            let held = wei(asked.tokens(address).await.expect("a view"));
            assert_eq!(held, self.ledger.balance_wei(account(address)), "key {n} at {head}");
        }
        let bonds = asked.tokens(at.court).await.expect("a view");
        assert_eq!(wei(bonds), self.ledger.bonds_wei(), "bonds at {head}");
        let supply = asked.view(at.token, AssayToken::totalSupplyCall {}).await.expect("a view");
        // The bonds of the registered Programs are none of the ledger's.
        let registered = wei(asked.tokens(at.programs).await.expect("a view"));
        let total = self.ledger.total_wei() - self.ledger.burnt_wei() + registered;
        assert_eq!(wei(supply), total, "supply at {head}");
        let root = asked.view(at.rewards, Rewards::rootCall {}).await.expect("a view");
        assert_eq!(root, word(self.ledger.rewards_root()), "pay's root at {head}");
        let settled = asked.view(at.rounds, Rounds::settledCountCall {}).await.expect("a view");
        assert_eq!(settled, self.ledger.settled_count(), "settledCount() at {head}");
    }
}

/// Compares answers of a view and returns the error's name if it is one.
fn same_answer<T: PartialEq + std::fmt::Debug>(
    shown: Result<T, ClientError>,
    own: Result<T, Refusal>,
    what: &str,
) -> Option<String> {
    match (shown, own) {
        (Ok(shown), Ok(own)) => {
            assert_eq!(shown, own, "{what}");
            None
        }
        (Err(ClientError::Reverted { revert, .. }), Err(refusal)) => {
            let told = told::refusal(&refusal);
            let error = revert.error.expect("one of the contracts' errors");
            assert!(told.agrees(&error), "{what}: {error}, but the ledger: {told:?}");
            Some(error.name)
        }
        (shown, own) => panic!("{what}: {shown:?}, but the ledger: {own:?}"),
    }
}

/// The logged events' names, without the token's and what only repeats another.
pub(crate) fn logged(mined: &Mined) -> Vec<String> {
    let names = mined.logs.iter().filter_map(|log| abi::event(&log.inner.data));
    let quiet = ["Transfer", "RootPosted"];
    names.map(|event| event.name).filter(|name| !quiet.contains(&name.as_str())).collect()
}

fn round(own: &round::Round) -> IRounds::Round {
    let seat = |seat: &Seat| IRounds::Seat {
        index: seat.index,
        rows: seat.rows,
        stake: U256::from(seat.stake_wei),
        commitment: word(seat.commitment),
        updateRoot: word(seat.update_root),
        blob: word(seat.blob),
        salt: word(seat.salt),
        revealed: seat.revealed,
    };
    IRounds::Round {
        number: own.number,
        phase: own.phase as u8,
        openBlock: own.open_block,
        commitsClosedBlock: own.commits_closed_block,
        revealsClosedBlock: own.reveals_closed_block,
        attempt: own.attempt,
        claim: U256::from(own.claim),
        electSeed: word(own.elect_seed),
        modelRoot: word(own.model_root),
        cumulativeRoot: word(own.cumulative_root),
        seats: own.seats.iter().map(seat).collect(),
    }
}

fn past(own: &Past) -> IScores::Past {
    let player = |player: &round::ledger::Player| IScores::Player {
        index: player.index,
        rows: player.rows,
        stakeGwei: player.stake_gwei,
        window: word(player.window),
    };
    IScores::Past {
        place: own.place.try_into().expect("few rounds"),
        rows: own.rows,
        waiting: own.waiting,
        attempt: own.attempt,
        openBlock: own.open_block,
        fullBlock: own.full_block,
        budgetGwei: own.budget_gwei,
        aggregation: own.aggregation.into(),
        claim: own.claim.into(),
        fallen: own.fallen.into(),
        seed: word(own.seed),
        players: own.players.iter().map(player).collect(),
    }
}

fn claim(own: &court::Claim) -> ICourt::Claim {
    ICourt::Claim {
        program: word(own.program),
        inputsRoot: word(own.inputs_root),
        outputsRoot: word(own.outputs_root),
        asserter: own.asserter.0.into(),
        consumer: own.consumer.0.into(),
        bond: U256::from(own.bond_wei),
        deadline: own.deadline,
        iterations: own.iterations,
        depth: own.depth,
        disputes: own.disputes,
        state: own.state as u8,
    }
}

/// Makes the call that the ledger's input stands for.
async fn send(client: &Client, input: &Input, signatures: Bytes) -> Result<Mined, ClientError> {
    let at = client.deployment();
    match input.clone() {
        Input::Join { payee, amount_wei } => {
            let (peer, endpoint) = (B256::ZERO, String::new());
            let (payee, amount) = (payee.0.into(), U256::from(amount_wei));
            client.send(at.registry, Registry::joinCall { payee, peer, endpoint, amount }).await
        }
        Input::AddStake { amount_wei } => client.add_stake(U256::from(amount_wei)).await,
        Input::Leave => client.leave().await,
        Input::Withdraw => client.withdraw_stake().await,
        Input::Fund { amount_wei } => client.fund(U256::from(amount_wei)).await,
        Input::Open => client.open_round().await,
        Input::Commit { round, commitment } => client.commit(round, word(commitment)).await,
        Input::Reveal { round, update_root, salt, blob, .. } => {
            let (update_root, salt, blob) = (word(update_root), word(salt), word(blob));
            client.reveal(Reveal { round, update_root, salt, blob, signatures }).await
        }
        Input::RevealWithData { round, salt, blob, update } => {
            client.reveal_with_data(round, word(salt), word(blob), update.into()).await
        }
        Input::PostResult { round, outputs_root } => {
            client.post_result(round, word(outputs_root)).await
        }
        Input::Court(court::Input::Challenge { id, outputs_root, header }) => {
            client.challenge(U256::from(id), word(outputs_root), header).await
        }
        Input::Court(court::Input::Finalise { id }) => client.finalise(U256::from(id)).await,
        Input::Court(court::Input::Timeout { dispute, record }) => {
            client.timeout(dispute, &record).await
        }
        Input::Court(court::Input::Close { dispute, record }) => {
            client.close_dispute(dispute, &record).await
        }
        Input::Court(other) => panic!("the dealer makes no {other:?}"),
        Input::Settle { round, output_roots, accepted_chunk } => {
            let roots = output_roots.into_iter().map(word).collect();
            client.settle(round, roots, accepted_chunk.into()).await
        }
        Input::PostWindow { round, data } => client.post_window(round, data.into()).await,
        Input::PostScore { round, inputs, outputs, inputs_root, outputs_root } => {
            let words = |roots: Vec<Hash>| roots.into_iter().map(word).collect();
            let roots = (word(inputs_root), word(outputs_root));
            client.post_score(round, (words(inputs), words(outputs)), roots).await
        }
        Input::SettleScore { round, output_roots, burn_chunk, pay_chunk } => {
            let roots = output_roots.into_iter().map(word).collect();
            client.settle_score(round, roots, (burn_chunk.into(), pay_chunk.into())).await
        }
        Input::Draw => client.draw_seats().await,
        Input::Poke => client.poke().await,
        Input::Claim { node, opening } => {
            let siblings = opening.siblings.into_iter().map(word).collect();
            client.claim_reward(node, opening.chunk.into(), siblings).await
        }
    }
}
