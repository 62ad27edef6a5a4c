//! The contract `Court` against its mirror: the same parties move on both, and after every move the
//! contract's record is the mirror's. Every op is disputed, by liars of every kind.

use std::sync::Arc;

use alloy::{
    primitives::{B256, U256},
    sol_types::SolConstructor,
};
use chain::{
    Client, ClientError, Deployment,
    contracts::{ClaimState, court::Court as Contract},
};
use court::{
    Call, Court, Dispute, Input, Side, State, Terms,
    advocate::next_move,
    trace::{Evidence, Executor, Reference, Sheet, Witness},
};
use laws::{
    dice::Dice,
    samples::{self, Sample},
};
use tensor::{Dtype, Hash, Op, Program, Tensor, eval_node};

use crate::fixture::{Chain, deployed, ether, key};

const BASE_FEE_WEI: u128 = 1_000_000_000;
const GAS_PRICE_CAP: u128 = 500_000_000;
const WINDOW: u64 = 3;
const CLOCK: u64 = 40;

/// One wrong element of one op: its lowest bit is set or cleared, and the rest follows from there.
#[derive(Clone, Copy, Debug)]
struct Lie {
    op: usize,
    element: usize,
}

impl Executor for Lie {
    fn execute(&self, p: &Program, op: usize, operands: &[&Tensor], inputs: &[Tensor]) -> Tensor {
        let right = eval_node(&p.nodes()[op], operands, inputs);
        if op != self.op {
            return right;
        }
        let mut bytes = right.to_bytes();
        bytes[self.element * right.dtype().size()] ^= 1;
        Tensor::from_bytes(right.dtype(), right.shape(), &bytes).expect("as many bytes")
    }
}

/// A liar's execution, with a chain of the wrong element that is wrong in its second half.
struct Bent {
    witness: Witness,
    lie: Lie,
}

impl Bent {
    fn new(sample: &Sample, lie: Lie) -> Bent {
        let Sample { program, inputs } = sample;
        let witness = Witness::new(Arc::clone(program), inputs.clone(), 1, Box::new(lie));
        Bent { witness: witness.expect("its inputs"), lie }
    }
}

impl Evidence for Bent {
    fn program(&self) -> &Program {
        self.witness.program()
    }

    fn states(&mut self) -> Vec<Hash> {
        self.witness.states()
    }

    fn inputs(&mut self, iteration: u32) -> Vec<Hash> {
        self.witness.inputs(iteration)
    }

    fn roots(&mut self, iteration: u32) -> Vec<Hash> {
        self.witness.roots(iteration)
    }

    fn tensor(&mut self, iteration: u32, op: usize) -> Arc<Sheet> {
        self.witness.tensor(iteration, op)
    }

    fn chain(&mut self, iteration: u32, op: usize, element: u64) -> Option<Arc<Sheet>> {
        let right = self.witness.chain(iteration, op, element)?;
        if (op, element) != (self.lie.op, self.lie.element as u64) {
            return Some(right);
        }
        let node = &self.witness.program().nodes()[op];
        let size = node.dtype.size();
        let steps = steps(self.witness.program(), op);
        let mut bytes = right.bytes[..steps * size].to_vec();
        for step in steps / 2..steps {
            bytes[step * size] ^= 1;
        }
        let shape = tensor::Shape::new(&[steps]).expect("a chain is a tensor");
        let states = Tensor::from_bytes(node.dtype, &shape, &bytes).expect("as many bytes");
        Some(Arc::new(Sheet::of(&states)))
    }
}

/// How many steps the chains of an op have.
fn steps(program: &Program, op: usize) -> usize {
    let nodes = program.nodes();
    let shape = |operand: usize| nodes[operand].shape;
    match &nodes[op].op {
        Op::Matmul(a, _) => *shape(*a).dims().last().expect("a matrix"),
        Op::Sum { x, axis } | Op::MaxAxis { x, axis } | Op::Argmax { x, axis } => {
            shape(*x).dims()[*axis]
        }
        Op::ScatterAdd { indices, .. } => shape(*indices).count(),
        other => panic!("{} has no chain", other.name()),
    }
}

/// A court of our own, whose consumer is key 0, and its mirror.
struct Hall {
    consumer: Client,
    asserter: Client,
    challenger: Client,
    mirror: Court,
}

fn terms() -> Terms {
    Terms {
        bond_wei: 10_u128.pow(19),
        window_blocks: WINDOW,
        clock_blocks: CLOCK,
        gas_price_wei_max: GAS_PRICE_CAP,
    }
}

fn word(hash: Hash) -> B256 {
    B256::from(hash.0)
}

fn address(client: &Client) -> court::Address {
    court::Address(client.address().into_array())
}

impl Hall {
    async fn open(chain: &Chain) -> Hall {
        let (client, deployment) = deployed(&chain.url()).await;
        let terms = terms();
        let call = Contract::constructorCall {
            token_: deployment.token,
            programs_: deployment.programs,
            referee_: deployment.referee,
            terms: Contract::Terms {
                bond: U256::from(terms.bond_wei),
                windowBlocks: terms.window_blocks,
                clockBlocks: terms.clock_blocks,
                gasPriceCap: U256::from(terms.gas_price_wei_max),
                gasRate: ether(1),
            },
            consumers: vec![client.address()],
        };
        let code = [Contract::BYTECODE.to_vec(), call.abi_encode()].concat();
        let sent = client.submit(None, code.into(), U256::ZERO).await.expect("it is sent");
        let at = client.wait(sent).await.expect("it is deployed").created.expect("an address");
        let consumer = client.with(Deployment { court: at, ..deployment });
        let party = async |n: u8| {
            consumer.transfer(key(n).address(), ether(10_000)).await.expect("tokens");
            let party = consumer.with_signer(key(n));
            party.approve_all().await.expect("an allowance");
            party
        };
        let (asserter, challenger) = (party(1).await, party(2).await);
        consumer.approve_all().await.expect("an allowance");
        Hall { consumer, asserter, challenger, mirror: Court::new(terms) }
    }

    /// Registers a Program and waits until claims about it are taken.
    async fn register(&mut self, program: &Program) {
        let hash = word(program.hash());
        if self.consumer.program_ready(hash).await.expect("an answer") {
            return;
        }
        let encoding = program.encode().into();
        self.consumer.register_program(hash, encoding).await.expect("it is registered");
        while !self.consumer.program_ready(hash).await.expect("an answer") {
            self.consumer.mine().await.expect("a block");
        }
        self.mirror.admit(program.hash());
    }

    /// Makes a call on the mirror as of the block the contract made it in.
    fn reflect(&mut self, block: u64, by: &Client, input: Input) {
        let call = Call { block, caller: address(by), gas_price_wei: BASE_FEE_WEI };
        self.mirror.handle(call, input).expect("the contract took it");
    }

    /// Posts a claim and challenges it; returns the claim and the dispute.
    async fn dispute(
        &mut self,
        program: &Program,
        inputs_root: Hash,
        (asserted, stated): (Hash, Hash),
        iterations: u32,
    ) -> (u64, u64) {
        self.register(program).await;
        let post = Contract::postCall {
            program: word(program.hash()),
            inputsRoot: word(inputs_root),
            outputsRoot: word(asserted),
            asserter: self.asserter.address(),
            iterations,
            parents: Vec::new(),
        };
        let court = self.consumer.deployment().court;
        let mined = self.consumer.send(court, post).await.expect("a claim");
        let consumer = self.consumer.clone();
        let post = Input::Post {
            program: program.hash(),
            inputs_root,
            outputs_root: asserted,
            asserter: address(&self.asserter),
            iterations,
            parents: Vec::new(),
        };
        self.reflect(mined.block, &consumer, post);
        let id = self.mirror.count();
        let challenger = self.challenger.clone();
        let header = program.header();
        let challenged = challenger.challenge(U256::from(id), word(stated), header.clone()).await;
        let mined = challenged.expect("a challenge");
        let input = Input::Challenge { id, outputs_root: stated, header };
        self.reflect(mined.block, &challenger, input);
        (id, self.mirror.dispute_count())
    }

    /// Plays a dispute to its end and returns who lost. A side without a move lets its clock run
    /// out.
    async fn play(
        &mut self,
        dispute: u64,
        asserter: &mut dyn Evidence,
        challenger: &mut dyn Evidence,
    ) -> Side {
        let claim = self.mirror.dispute(dispute).expect("it has begun").claim;
        while let Some(standing) = self.consumer.dispute(dispute).await.expect("an answer") {
            let record = standing.record;
            assert_eq!(Some(&record), self.mirror.dispute(dispute));
            let (client, made) = match record.mover() {
                Side::Asserter => {
                    (&self.asserter, next_move(&record, &standing.revealed, asserter))
                }
                Side::Challenger => {
                    (&self.challenger, next_move(&record, &standing.revealed, challenger))
                }
            };
            let client = client.clone();
            let Some(made) = made else {
                self.run_out(dispute, &record).await;
                break;
            };
            match client.make_move(dispute, &record, made.clone()).await {
                Ok(mined) => {
                    let record = Box::new(record);
                    self.reflect(mined.block, &client, Input::Move { dispute, record, made });
                }
                Err(ClientError::Reverted { revert, .. }) => {
                    let call = Call {
                        block: record.since,
                        caller: address(&client),
                        gas_price_wei: BASE_FEE_WEI,
                    };
                    let mut mirror = self.mirror.clone();
                    let input = Input::Move { dispute, record: Box::new(record.clone()), made };
                    let refused = mirror.handle(call, input);
                    assert!(refused.is_err(), "only the contract refused: {revert}");
                    self.run_out(dispute, &record).await;
                    break;
                }
                Err(error) => panic!("the chain failed: {error}"),
            }
        }
        assert_eq!(self.mirror.dispute(dispute), None, "both ended");
        let state = self.consumer.claim(U256::from(claim)).await.expect("an answer").state;
        let mirrored = self.mirror.claim(claim).expect("it was posted").state;
        assert_eq!(state, mirrored as u8);
        let struck = ClaimState::from_word(state) == Some(ClaimState::Struck);
        assert_eq!(struck, mirrored == State::Struck);
        if struck { Side::Asserter } else { Side::Challenger }
    }

    /// Waits until the clock of the side to move has run out, and ends the dispute.
    async fn run_out(&mut self, dispute: u64, record: &Dispute) {
        let (left, _) = record.clock(record.since);
        while self.consumer.block_number().await.expect("an answer") < record.since + left {
            self.consumer.mine().await.expect("a block");
        }
        let mined = self.consumer.timeout(dispute, record).await.expect("the clock ran out");
        let consumer = self.consumer.clone();
        let timeout = Input::Timeout { dispute, record: Box::new(record.clone()) };
        self.reflect(mined.block, &consumer, timeout);
    }

    /// The court's tokens are what the mirror says that it holds.
    async fn balance(&self) {
        let held = self.consumer.tokens(self.consumer.deployment().court).await;
        assert_eq!(held.expect("an answer"), U256::from(self.mirror.held_wei()));
    }

    /// Disputes a liar's claim, and an honest claim by the same liar.
    async fn both_ways(&mut self, sample: &Sample, lie: Lie) {
        let Sample { program, inputs } = sample;
        let right = || {
            let inputs = inputs.clone();
            Witness::new(Arc::clone(program), inputs, 1, Box::new(Reference)).expect("its inputs")
        };
        let bent = || Bent::new(sample, lie);
        let (mut honest, mut liar) = (right(), bent());
        let roots = (liar.witness.outputs_root(), honest.outputs_root());
        if roots.0 == roots.1 {
            return;
        }
        let inputs_root = honest.inputs_root();
        let (_, dispute) = self.dispute(program, inputs_root, roots, 1).await;
        let loser = self.play(dispute, &mut liar, &mut honest).await;
        assert_eq!(loser, Side::Asserter, "{lie:?} in\n{program}");
        let (mut honest, mut liar) = (right(), bent());
        let (_, dispute) = self.dispute(program, inputs_root, (roots.1, roots.0), 1).await;
        let loser = self.play(dispute, &mut honest, &mut liar).await;
        assert_eq!(loser, Side::Challenger, "{lie:?} in\n{program}");
        self.balance().await;
    }
}

#[tokio::test]
async fn a_wrong_element_of_every_op_is_convicted() {
    let chain = Chain::embedded().await;
    let mut hall = Hall::open(&chain).await;
    for dtype in [Dtype::F32, Dtype::F64, Dtype::I32] {
        let sample = samples::of_dtype(3, dtype);
        let mut dice = Dice::new(9);
        for (op, node) in sample.program.nodes().iter().enumerate() {
            let element = dice.below(node.shape.count());
            hall.both_ways(&sample, Lie { op, element }).await;
        }
    }
}
