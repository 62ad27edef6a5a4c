//! Looks at the chain and says what it shows, as the round's machine wants it.
//!
//! Invariant: a view is of one block. It is put together from several calls; when a block came in
//! between they are made again. What cannot change is asked once.

use alloy::{
    eips::BlockNumberOrTag,
    primitives::{Address, U256},
    rpc::types::Filter,
    sol_types::SolEvent,
};
use chain::{
    ClaimState, Client, ClientError,
    contracts::{
        court::{Court, ICourt},
        registry::{IRegistry, Registry},
        rounds::{IRounds, Rounds},
    },
};
use round::{Block, Domain, Phase, Round, Seat, View, chain::WEI_PER_GWEI};
use tensor::Hash;

use crate::{NodeError, job::hash};

/// How often a view is attempted while blocks keep coming.
const ATTEMPTS: usize = 8;

/// One node's view of the chain.
#[derive(Debug)]
pub(crate) struct Eye {
    client: Client,
    domain: Domain,
    /// Round, its training seed and the nodes as they were when it opened.
    cached: Option<(u64, Option<Hash>)>,
    nodes: Vec<IRegistry::Node>,
    nodes_block: Block,
    last: Option<Look>,
}

/// What one look shows.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    /// The block looked at.
    pub(crate) block: Block,
    /// Its timestamp, Unix seconds.
    pub(crate) time: u64,
    /// For the machine; `openable` and `due_gwei` are the caller's to fill in.
    pub(crate) view: View,
    /// Wei paid to this node so far.
    pub(crate) paid: U256,
}

impl Eye {
    pub(crate) fn new(client: Client, domain: Domain) -> Eye {
        Eye { client, domain, cached: None, nodes: Vec::new(), nodes_block: 0, last: None }
    }

    /// The registry as of the last look.
    pub(crate) fn nodes(&self) -> &[IRegistry::Node] {
        &self.nodes
    }

    /// Looks once; without a new block nothing is asked again. `None` when blocks came too fast for
    /// a consistent view.
    pub(crate) async fn look(&mut self) -> Result<Option<Look>, ClientError> {
        for _ in 0..ATTEMPTS {
            let before = self.client.block_number().await?;
            if let Some(last) = self.last.as_ref().filter(|last| last.block == before) {
                return Ok(Some(last.clone()));
            }
            let look = self.gather(before).await?;
            if self.client.block_number().await? == before {
                self.last.clone_from(&look);
                return Ok(look);
            }
        }
        Ok(None)
    }

    async fn gather(&mut self, block: Block) -> Result<Option<Look>, ClientError> {
        let round = self.client.round().await?;
        let Some(head) = self.client.block(BlockNumberOrTag::Number(block)).await? else {
            return Ok(None);
        };
        self.refresh_nodes(block, round.number).await?;
        let train_seed = self.train_seed(&round).await?;
        let claim = if round.claim.is_zero() { None } else { Some(self.claim(round.claim).await?) };
        let aggregator = match self.client.aggregator().await {
            Ok(index) => Some(index),
            Err(ClientError::Reverted { .. }) => None,
            Err(error) => return Err(error),
        };
        let key = self.client.address();
        let disputed = claim.as_ref().is_some_and(|claim| claim.disputes > 0);
        let challenged = disputed && self.client.has_challenged(round.claim, key).await?;
        let own = self.nodes.iter().position(|node| node.key == key && node.unbondBlock == 0);
        let own = own.and_then(|index| u32::try_from(index).ok());
        let paid = match own {
            Some(index) => self.client.paid(index).await?,
            None => U256::ZERO,
        };
        let actives = (0_u32..).zip(&self.nodes).filter(|(_, node)| node.unbondBlock == 0);
        let view = View {
            train_seed,
            claim,
            challenged,
            aggregator,
            own,
            actives: actives.map(|(index, _)| index).collect(),
            openable: false,
            rewards_root: hash(self.client.rewards_root().await?),
            due_gwei: 0,
            round: to_round(&round),
        };
        Ok(Some(Look { block, time: head.header.timestamp, view, paid }))
    }

    /// The registry changes rarely: it is read again when a round begins and every few blocks
    /// between rounds.
    async fn refresh_nodes(&mut self, block: Block, round: u64) -> Result<(), ClientError> {
        const REFRESH_BLOCKS: Block = 8;
        let same_round = self.cached.is_some_and(|(cached, _)| cached == round);
        if self.nodes.is_empty() || !same_round || block >= self.nodes_block + REFRESH_BLOCKS {
            self.nodes = self.client.nodes().await?;
            self.nodes_block = block;
        }
        Ok(())
    }

    /// From the event and the hash of the opening block, once that block is there.
    async fn train_seed(&mut self, round: &IRounds::Round) -> Result<Option<Hash>, ClientError> {
        if round.number == 0 {
            return Ok(None);
        }
        if let Some((cached, Some(seed))) = self.cached
            && cached == round.number
        {
            return Ok(Some(seed));
        }
        let filter = Filter::new()
            .address(self.client.deployment().rounds)
            .event_signature(Rounds::Opened::SIGNATURE_HASH)
            .from_block(round.openBlock)
            .to_block(round.openBlock);
        let logs = self.client.logs(filter).await?;
        let seed = logs.iter().find_map(|log| {
            let opened = Rounds::Opened::decode_log_data(log.data()).ok()?;
            let block_hash = log.block_hash?;
            (opened.round == round.number).then(|| {
                round::digest::train_seed(
                    self.domain.job,
                    round.number,
                    hash(block_hash),
                    hash(opened.salts),
                )
            })
        });
        self.cached = Some((round.number, seed));
        Ok(seed)
    }

    async fn claim(&self, id: U256) -> Result<court::Claim, ClientError> {
        Ok(to_claim(&self.client.claim(id).await?))
    }
}

/// Reads everything a job fixed, and what it relies on.
pub(crate) async fn round_config(client: &Client) -> Result<round::Config, NodeError> {
    let config = client.round_config().await?;
    let at = client.deployment();
    let bond = client.view(at.court, Court::bondSizeCall {}).await?;
    let window_blocks = client.view(at.court, Court::windowBlocksCall {}).await?;
    let minimum = client.view(at.registry, Registry::minimumStakeCall {}).await?;
    let unbond_blocks = client.view(at.registry, Registry::unbondBlocksCall {}).await?;
    Ok(round::Config {
        domain: Domain {
            chain_id: client.chain_id(),
            rounds: to_address(at.rounds),
            job: hash(config.job),
        },
        nodes: config.nodes,
        quorum: config.quorum,
        capacity: config.capacity,
        cumulative_length: config.cumulativeLength,
        commit_blocks: config.commitBlocks,
        reveal_blocks: config.revealBlocks,
        aggregate_blocks: config.aggregateBlocks,
        budget_gwei: config.budgetGwei,
        unrevealed_penalty_wei: to_u128(config.unrevealedPenalty),
        update_length: config.updateLength,
        initial_model: hash(config.initialModel),
        initial_cumulative: hash(config.initialCumulative),
        aggregate_programs: config.aggregatePrograms.iter().copied().map(hash).collect(),
        terms: court::Terms {
            bond_wei: to_u128(bond),
            window_blocks,
            clock_blocks: client.view(at.court, Court::clockBlocksCall {}).await?,
            gas_price_wei_max: to_u128(client.view(at.court, Court::gasPriceCapCall {}).await?),
        },
        minimum_stake_wei: to_u128(minimum),
        unbond_blocks,
        scores: None,
    })
}

/// Returns an address as the pure crates know it.
pub(crate) fn to_address(address: Address) -> round::Address {
    round::Address(address.into_array())
}

/// Wei as u128; the token's supply is below 2^128.
pub(crate) fn to_u128(wei: U256) -> u128 {
    u128::try_from(wei).unwrap_or(u128::MAX)
}

/// Returns whole gwei of an amount, rounded down.
pub(crate) fn to_gwei(wei: U256) -> u64 {
    u64::try_from(to_u128(wei) / WEI_PER_GWEI).unwrap_or(u64::MAX)
}

fn to_round(round: &IRounds::Round) -> Round {
    let phase = match chain::Phase::from_word(round.phase) {
        chain::Phase::Commit => Phase::Commit,
        chain::Phase::Reveal => Phase::Reveal,
        chain::Phase::Aggregate => Phase::Aggregate,
        chain::Phase::Idle => Phase::Idle,
    };
    Round {
        number: round.number,
        phase,
        open_block: round.openBlock,
        commits_closed_block: round.commitsClosedBlock,
        reveals_closed_block: round.revealsClosedBlock,
        attempt: round.attempt,
        claim: u64::try_from(round.claim).unwrap_or(u64::MAX),
        elect_seed: hash(round.electSeed),
        model_root: hash(round.modelRoot),
        cumulative_root: hash(round.cumulativeRoot),
        seats: round.seats.iter().map(to_seat).collect(),
    }
}

fn to_seat(seat: &IRounds::Seat) -> Seat {
    Seat {
        index: seat.index,
        rows: seat.rows,
        stake_wei: to_u128(seat.stake),
        commitment: hash(seat.commitment),
        update_root: hash(seat.updateRoot),
        blob: hash(seat.blob),
        salt: hash(seat.salt),
        revealed: seat.revealed,
    }
}

/// A claim's state as the court's crate has it.
pub(crate) fn claim_state(state: ClaimState) -> court::State {
    match state {
        ClaimState::Open => court::State::Open,
        ClaimState::Disputed => court::State::Disputed,
        ClaimState::Final => court::State::Final,
        ClaimState::Struck => court::State::Struck,
        ClaimState::Void => court::State::Void,
    }
}

/// Returns a claim as the pure crates know it.
pub(crate) fn to_claim(claim: &ICourt::Claim) -> court::Claim {
    let state = ClaimState::from_word(claim.state).map_or(court::State::Void, claim_state);
    court::Claim {
        program: hash(claim.program),
        inputs_root: hash(claim.inputsRoot),
        outputs_root: hash(claim.outputsRoot),
        asserter: to_address(claim.asserter),
        consumer: to_address(claim.consumer),
        bond_wei: to_u128(claim.bond),
        deadline: claim.deadline,
        iterations: claim.iterations,
        depth: claim.depth,
        disputes: claim.disputes,
        state,
        parents: Vec::new(),
        convictor: None,
        fell_block: 0,
        drawn_wei: 0,
        owed_wei: 0,
        reserve_wei: 0,
    }
}

/// Returns the update that a seat revealed with its bytes in calldata, if it did.
pub(crate) async fn revealed_data(client: &Client, round: u64, node: u32) -> Option<Vec<u8>> {
    let filter = Filter::new()
        .address(client.deployment().rounds)
        .event_signature(Rounds::Revealed::SIGNATURE_HASH)
        .topic1(U256::from(round))
        .topic2(U256::from(node))
        .from_block(client.deployment().block);
    let logs = client.logs(filter).await.ok()?;
    let revealed = Rounds::Revealed::decode_log_data(logs.last()?.data()).ok()?;
    (!revealed.data.is_empty()).then(|| revealed.data.to_vec())
}
