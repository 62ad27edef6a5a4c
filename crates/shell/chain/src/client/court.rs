//! Claims, disputes and the Programs they are about.
//!
//! A dispute is followed by its events: the contract stores a hash of the record, the last `Moved`
//! has the record itself, and what the asserter revealed stands in the events of the same
//! transactions. So whoever has the chain can go on with a dispute, and nothing else is needed.

use alloy::{
    primitives::{Address, B256, Bytes, U256},
    rpc::types::{Filter, Log},
    sol_types::{SolCall, SolEvent},
};
use court::{Brief, Dispute, Event, Move, Shown, ShownOp, Stage, Turn, advocate::Revealed};
use tensor::Hash;

use super::{Client, ClientError, Mined, Sent};
use crate::contracts::{
    court::{Court, ICourt},
    programs::{IPrograms, Programs},
};

/// A dispute as the chain shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its id.
    pub id: u64,
    /// Its record, which the next move has to state.
    pub record: Dispute,
    /// What the asserter has revealed.
    pub revealed: Revealed,
}

/// Claims and disputes.
///
/// # Errors
///
/// Every method: [`ClientError::Reverted`] with the error its contract's interface documents, and
/// those of [`Client::send`] or [`Client::view`].
impl Client {
    /// Registers a Program with its encoding. Needs an allowance for the contract, which takes a
    /// bond.
    pub async fn register_program(
        &self,
        program: B256,
        encoding: Bytes,
    ) -> Result<Mined, ClientError> {
        let call = Programs::registerCall { program, encoding };
        self.send(self.deployment().programs, call).await
    }

    /// Returns what is known of a Program.
    pub async fn program(&self, program: B256) -> Result<IPrograms::Entry, ClientError> {
        self.view(self.deployment().programs, Programs::entryCall { program }).await
    }

    /// Returns whether claims about a Program can be made.
    pub async fn program_ready(&self, program: B256) -> Result<bool, ClientError> {
        self.view(self.deployment().programs, Programs::readyCall { program }).await
    }

    /// Gives a registrant its bond back after the window.
    pub async fn confirm_program(&self, program: B256) -> Result<Mined, ClientError> {
        self.send(self.deployment().programs, Programs::confirmCall { program }).await
    }

    /// Challenges a claim with another result. Needs an allowance for the court, which takes the
    /// bond.
    pub async fn challenge(
        &self,
        claim: U256,
        outputs_root: B256,
        header: Vec<u8>,
    ) -> Result<Mined, ClientError> {
        let call =
            Court::challengeCall { id: claim, outputsRoot: outputs_root, header: header.into() };
        self.send(self.deployment().court, call).await
    }

    /// Challenges like [`Client::challenge`] without waiting for a block, and shows the signed
    /// transaction to `keep` before it leaves, for [`Client::send_again`].
    pub async fn challenge_kept<E: From<ClientError>>(
        &self,
        (claim, outputs_root): (U256, B256),
        header: Vec<u8>,
        keep: impl FnOnce(&Bytes) -> Result<(), E> + Send,
    ) -> Result<Sent, E> {
        let call =
            Court::challengeCall { id: claim, outputsRoot: outputs_root, header: header.into() };
        let court = self.deployment().court;
        self.submit_kept(Some(court), call.abi_encode().into(), U256::ZERO, keep).await
    }

    /// Returns a claim.
    pub async fn claim(&self, id: U256) -> Result<ICourt::Claim, ClientError> {
        self.view(self.deployment().court, Court::claimCall { id }).await
    }

    /// Returns by whom and in which block a claim fell; zeros for one that stands.
    pub async fn fall_of(&self, id: U256) -> Result<Court::fallOfReturn, ClientError> {
        self.view(self.deployment().court, Court::fallOfCall { id }).await
    }

    /// Returns how many disputes were started.
    pub async fn dispute_count(&self) -> Result<u64, ClientError> {
        let count = self.view(self.deployment().court, Court::disputeCountCall {}).await?;
        Ok(count.saturating_to())
    }

    /// Returns how a dispute stands, or nothing for one that has ended or never began.
    pub async fn dispute(&self, id: u64) -> Result<Option<Standing>, ClientError> {
        let court = self.deployment().court;
        let hash = self.view(court, Court::recordHashCall { dispute: U256::from(id) }).await?;
        if hash.is_zero() {
            return Ok(None);
        }
        let filter =
            Filter::new().address(court).topic1(U256::from(id)).from_block(self.deployment().block);
        Ok(standing(id, &self.logs(filter).await?))
    }

    /// Returns whether an account is the challenger of a dispute over a claim that has not ended.
    pub async fn has_challenged(&self, claim: U256, account: Address) -> Result<bool, ClientError> {
        let court = self.deployment().court;
        let filter = Filter::new()
            .address(court)
            .event_signature(Court::Challenged::SIGNATURE_HASH)
            .topic1(claim)
            .topic3(account.into_word())
            .from_block(self.deployment().block);
        for log in self.logs(filter).await? {
            let Ok(event) = Court::Challenged::decode_log_data(log.data()) else { continue };
            let call = Court::recordHashCall { dispute: event.dispute };
            if !self.view(court, call).await?.is_zero() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Makes the move of a dispute that is due.
    pub async fn make_move(
        &self,
        dispute: u64,
        record: &Dispute,
        made: Move,
    ) -> Result<Mined, ClientError> {
        let court = self.deployment().court;
        let (input, signature) = encoded(U256::from(dispute), to_record(record), made);
        let sent = self.submit(Some(court), input, U256::ZERO).await;
        let sent = sent.map_err(|error| error.during(signature))?;
        self.wait(sent).await.map_err(|error| error.during(signature))
    }

    /// Ends a dispute against the side whose clock ran out.
    pub async fn timeout(&self, dispute: u64, record: &Dispute) -> Result<Mined, ClientError> {
        let call = Court::timeoutCall { dispute: U256::from(dispute), record: to_record(record) };
        self.send(self.deployment().court, call).await
    }

    /// Gives the challenger of an undecided dispute its bond back once the claim has fallen.
    pub async fn close_dispute(
        &self,
        dispute: u64,
        record: &Dispute,
    ) -> Result<Mined, ClientError> {
        let call = Court::closeCall { dispute: U256::from(dispute), record: to_record(record) };
        self.send(self.deployment().court, call).await
    }

    /// Makes a claim final after its deadline.
    pub async fn finalise(&self, id: U256) -> Result<Mined, ClientError> {
        self.send(self.deployment().court, Court::finaliseCall { id }).await
    }
}

/// Folds a dispute's events; `None` where there is no record among them.
fn standing(id: u64, logs: &[Log]) -> Option<Standing> {
    let (mut record, mut revealed) = (None, Revealed::default());
    let hash = |word: B256| Hash(word.0);
    for log in logs {
        let data = log.data();
        if let Ok(moved) = Court::Moved::decode_log_data(data) {
            record = of_record(&moved.record).or(record);
        } else if let Ok(event) = Court::Revealed::decode_log_data(data) {
            let children = event.children.into_iter().map(hash).collect();
            revealed.see(&Event::Revealed { dispute: id, node: hash(event.node), children });
        } else if let Ok(event) = Court::RevealedChunk::decode_log_data(data) {
            let (node, chunk) = (hash(event.node), event.chunk.to_vec());
            revealed.see(&Event::RevealedChunk { dispute: id, node, chunk });
        }
    }
    Some(Standing { id, record: record?, revealed })
}

/// Returns the call that makes a move, and its signature for errors.
fn encoded(dispute: U256, record: ICourt::Dispute, made: Move) -> (Bytes, &'static str) {
    fn call<C: SolCall>(call: C) -> (Bytes, &'static str) {
        (call.abi_encode().into(), C::SIGNATURE)
    }
    match made {
        Move::PostStates { root, siblings } => call(Court::postStatesCall {
            dispute,
            record,
            root: word(root),
            siblings: words(&siblings),
        }),
        Move::PostTrace { root, siblings } => call(Court::postTraceCall {
            dispute,
            record,
            root: word(root),
            siblings: words(&siblings),
        }),
        Move::PostChain { brief, root, last } => call(Court::postChainCall {
            dispute,
            record,
            brief: to_brief(brief),
            root: word(root),
            last: last.into_iter().map(to_opening).collect(),
        }),
        Move::Reveal { children } => {
            call(Court::revealCall { dispute, record, children: words(&children) })
        }
        Move::RevealChunk { chunk } => {
            call(Court::revealChunkCall { dispute, record, chunk: chunk.into() })
        }
        Move::NameChild { children, child } => {
            call(Court::nameChildCall { dispute, record, children: words(&children), child })
        }
        Move::NameIteration { children, child, before, siblings } => {
            call(Court::nameIterationCall {
                dispute,
                record,
                children: words(&children),
                child,
                before: word(before),
                siblings: words(&siblings),
            })
        }
        Move::NameOutput { children, child, header } => call(Court::nameOutputCall {
            dispute,
            record,
            children: words(&children),
            child,
            header: header.into(),
        }),
        Move::NameOp { children, child, op } => call(Court::nameOpCall {
            dispute,
            record,
            children: words(&children),
            child,
            op: op.into_iter().map(to_op).collect(),
        }),
        Move::NameElement { chunk, place, brief, openings } => call(Court::nameElementCall {
            dispute,
            record,
            chunk: chunk.into(),
            place,
            brief: to_brief(brief),
            openings: openings.into_iter().map(to_opening).collect(),
        }),
    }
}

fn word(hash: Hash) -> B256 {
    B256::from(hash.0)
}

fn words(hashes: &[Hash]) -> Vec<B256> {
    hashes.iter().map(|hash| word(*hash)).collect()
}

fn to_brief(brief: Brief) -> ICourt::Brief {
    ICourt::Brief {
        op: brief.op.into(),
        operands: brief.operands.into_iter().map(Bytes::from).collect(),
        roots: words(&brief.roots),
    }
}

fn to_opening(shown: Shown) -> ICourt::Opening {
    ICourt::Opening { chunk: shown.chunk.into(), siblings: words(&shown.siblings) }
}

fn to_op(shown: ShownOp) -> ICourt::OpOpening {
    ICourt::OpOpening {
        encoding: shown.encoding.into(),
        siblings: words(&shown.siblings),
        root: word(shown.root),
        rootSiblings: words(&shown.root_siblings),
    }
}

/// Returns a record as the contract has it.
fn to_record(record: &Dispute) -> ICourt::Dispute {
    ICourt::Dispute {
        claim: U256::from(record.claim),
        challenger: Address::from(record.challenger.0),
        challengerRoot: word(record.challenger_root),
        stage: record.stage as u8,
        turn: record.turn as u8,
        moves: record.moves,
        since: record.since,
        asserterBlocks: record.asserter_blocks,
        challengerBlocks: record.challenger_blocks,
        asserterGas: U256::from(record.asserter_gas),
        challengerGas: U256::from(record.challenger_gas),
        outline: ICourt::Outline {
            opCount: record.op_count,
            outputCount: record.output_count,
            inputCount: record.input_count,
            opsRoot: word(record.ops_root),
        },
        node: word(record.node),
        index: record.index,
        height: record.height,
        leaves: record.leaves,
        iteration: record.iteration,
        before: word(record.before),
        trace: word(record.trace),
        op: record.op,
        brief: word(record.brief),
        chain: word(record.chain),
        element: record.element,
        value: record.value,
    }
}

/// Reads a record of the contract; `None` for numbers that it never has.
fn of_record(record: &ICourt::Dispute) -> Option<Dispute> {
    let stage = match record.stage {
        0 => Stage::Iterations,
        1 => Stage::Outputs,
        2 => Stage::Trace,
        3 => Stage::Tensor,
        4 => Stage::Chain,
        _ => return None,
    };
    let turn = match record.turn {
        0 => Turn::Root,
        1 => Turn::Children,
        2 => Turn::Chunk,
        3 => Turn::Child,
        4 => Turn::Element,
        _ => return None,
    };
    let hash = |word: B256| Hash(word.0);
    Some(Dispute {
        claim: record.claim.try_into().ok()?,
        challenger: court::Address(record.challenger.into_array()),
        challenger_root: hash(record.challengerRoot),
        stage,
        turn,
        moves: record.moves,
        since: record.since,
        asserter_blocks: record.asserterBlocks,
        challenger_blocks: record.challengerBlocks,
        asserter_gas: record.asserterGas.try_into().ok()?,
        challenger_gas: record.challengerGas.try_into().ok()?,
        op_count: record.outline.opCount,
        output_count: record.outline.outputCount,
        input_count: record.outline.inputCount,
        ops_root: hash(record.outline.opsRoot),
        node: hash(record.node),
        index: record.index,
        height: record.height,
        leaves: record.leaves,
        iteration: record.iteration,
        before: hash(record.before),
        trace: hash(record.trace),
        op: record.op,
        brief: hash(record.brief),
        chain: hash(record.chain),
        element: record.element,
        value: record.value,
    })
}
