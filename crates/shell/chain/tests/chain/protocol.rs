//! The contracts through the typed client: a whole round, a dispute and a market day, on every
//! chain there is.

use alloy::{
    primitives::{B256, Bytes, I256, U256, keccak256},
    signers::SignerSync,
    sol_types::SolConstructor,
};
use chain::{
    Client, ClientError, Deployment,
    client::{Basis, Bundle, Match, Order, Posting, Reveal},
    contracts::{ClaimState, Phase, rounds::IRounds::Seat, token::AssayToken},
    deploy::{self, DeployError},
    index::{Detail, History},
};

use crate::fixture::{
    CUMULATIVE, Chain, advance, deployed, ether, four, header, inner, key, leaf, list_root,
    report_header, report_program, setup, tensor_root, update,
};

const NODES: u8 = 4;
const SHARE_GWEI: u32 = 333_333_333;

#[tokio::test]
async fn a_whole_round_on_the_embedded_chain() {
    let chain = Chain::embedded().await;
    whole_round(&chain).await;
    let Chain::Embedded(server, _dir) = chain else { unreachable!("it is embedded") };
    server.stop().await;
}

#[tokio::test]
async fn a_whole_round_on_anvil() {
    match Chain::anvil().await {
        Some(chain) => {
            whole_round(&chain).await;
            replaced_blocks(&chain).await;
        }
        None => say_skipped(),
    }
}

#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn say_skipped() {
    eprintln!("skipped: anvil is not installed (npm ci in contracts/)");
}

/// A chain that takes blocks back: the history follows it.
async fn replaced_blocks(chain: &Chain) {
    let (client, deployment) = deployed(&chain.url()).await;
    let mut history = History::new(deployment, Detail::Events);
    assert!(history.update(&client).await.expect("an update"));
    assert!(!history.update(&client).await.expect("an update"), "nothing is new");
    let before = history.clone();
    let snapshot: U256 = client.request("evm_snapshot", ()).await.expect("anvil can");
    client.approve(client.deployment().rewards, ether(1)).await.expect("an approval");
    client.fund(ether(1)).await.expect("more pay");
    assert!(history.update(&client).await.expect("an update"));
    assert_eq!(history.rewards.funded, setup().fund + ether(1));
    let taken: bool = client.request("evm_revert", (snapshot,)).await.expect("anvil can");
    assert!(taken);
    assert!(history.update(&client).await.expect("an update"));
    assert_eq!(history, before);
}

#[tokio::test]
async fn an_interrupted_deployment_is_finished_and_a_stale_plan_refused() {
    let chain = Chain::embedded().await;
    let client = Client::connect(&chain.url(), key(0)).await.expect("the chain answers");
    let planned = deploy::plan(&client).await.expect("a plan");
    // The first contract arrives, and then the caller dies.
    let first = AssayToken::constructorCall { holder: client.address(), supply: setup().supply };
    let code = [AssayToken::BYTECODE.to_vec(), first.abi_encode()].concat();
    let sent = client.submit(None, code.into(), U256::ZERO).await.expect("it is sent");
    let mined = client.wait(sent).await.expect("it is mined");
    assert_eq!(mined.created, Some(planned.token));

    deploy::execute(&client, &setup(), &planned).await.expect("the rest is deployed");
    let done = client.next_nonce().await.expect("an answer");
    deploy::execute(&client, &setup(), &planned).await.expect("nothing is left to do");
    assert_eq!(client.next_nonce().await.expect("an answer"), done);

    let stale = deploy::plan(&client).await.expect("a plan");
    client.pay(client.address(), U256::ZERO).await.expect("the key is used for something else");
    let error = deploy::execute(&client, &setup(), &stale).await.expect_err("it is stale");
    assert!(matches!(error, DeployError::Stale { contract: "AssayToken", .. }), "{error}");

    let elsewhere = Client::open(&chain.url(), key(1), stale).await;
    let error = elsewhere.expect_err("there is no such contract");
    assert!(matches!(error, ClientError::NoContract { name: "AssayToken", .. }), "{error}");
    let other = Deployment { chain_id: 1, ..planned };
    let error = Client::open(&chain.url(), key(1), other).await.expect_err("it is another chain");
    assert!(matches!(error, ClientError::OtherChain { expected: 1, .. }), "{error}");
}

/// What the four nodes computed, made up but consistent.
struct Outputs {
    roots: Vec<B256>,
    accepted: Bytes,
    cumulative: Vec<u8>,
}

impl Outputs {
    fn new() -> Self {
        let mut accepted = [0; 128];
        for row in 0..3 {
            accepted[4 * row] = 1;
        }
        let mut cumulative = vec![0; 8 * usize::from(CUMULATIVE)];
        for element in cumulative.chunks_exact_mut(8).take(3) {
            element.copy_from_slice(&f64::from(SHARE_GWEI).to_le_bytes());
        }
        let roots = vec![
            keccak256("the new model"),
            leaf(&accepted, 128),
            keccak256("the distances"),
            tensor_root(&cumulative, 256),
        ];
        Self { roots, accepted: accepted.to_vec().into(), cumulative }
    }

    fn root(&self) -> B256 {
        list_root(&self.roots)
    }

    /// The chunk with the first 32 nodes, of eight, and what is beside its way up.
    fn proof(&self) -> (Bytes, Vec<B256>) {
        let level: Vec<_> = self.cumulative.chunks(256).map(|chunk| leaf(chunk, 256)).collect();
        assert_eq!(inner(&level), self.roots[3]);
        let siblings = [&level[1..4], &[four(&level[4..])]].concat();
        (self.cumulative[..256].to_vec().into(), siblings)
    }
}

async fn whole_round(chain: &Chain) {
    let (owner, deployment) = deployed(&chain.url()).await;
    let mut nodes = Vec::new();
    for n in 1..=NODES {
        let client = Client::open(&chain.url(), key(n), deployment.clone()).await;
        let client = client.expect("the contracts are there");
        owner.transfer(client.address(), ether(200)).await.expect("tokens");
        client.approve_all().await.expect("approvals");
        let index = client.join(key(90 + n).address(), keccak256([n]), "127.0.0.1:9", ether(100));
        assert_eq!(index.await.expect("it joins"), u32::from(n - 1));
        nodes.push(client);
    }
    // One history follows along, another is made at the end: they agree.
    let mut followed = History::new(deployment, Detail::Events);
    commit_and_reveal(&nodes).await;
    followed.update(&owner).await.expect("an update");
    let outputs = Outputs::new();
    aggregate(&nodes, &outputs).await;
    followed.update(&owner).await.expect("an update");
    pay(&nodes, &outputs).await;
    market_day(&owner, &nodes, &outputs).await;
    followed.update(&owner).await.expect("an update");
    history(&owner, &nodes, &outputs, &followed).await;
}

async fn history(owner: &Client, nodes: &[Client], outputs: &Outputs, followed: &History) {
    let mut whole = History::new(owner.deployment().clone(), Detail::Everything);
    assert!(whole.update(owner).await.expect("an update"));
    let json = serde_json::to_string(&whole).expect("it is plain data");
    assert_eq!(serde_json::from_str::<History>(&json).expect("it was just written"), whole);
    for (one, other) in [(&whole, followed), (followed, &whole)] {
        assert_eq!(one.rounds, other.rounds);
        assert_eq!(one.claims, other.claims);
        assert_eq!(one.accounts, other.accounts);
        assert_eq!((&one.nodes, &one.gates), (&other.nodes, &other.gates));
        assert_eq!((&one.reports, &one.rewards), (&other.reports, &other.rewards));
    }

    let round = whole.last_round().expect("a round");
    let settled = round.settled.as_ref().expect("it settled");
    assert_eq!((settled.model_root, settled.cumulative_root), (outputs.roots[0], outputs.roots[3]));
    let accepted: Vec<_> = round.seats.iter().map(|seat| seat.accepted).collect();
    assert_eq!(accepted, [Some(true), Some(true), Some(true), Some(false)]);
    let with_data =
        |seat: &chain::index::Seat| seat.reveal.as_ref().is_some_and(|r| r.data.is_some());
    assert_eq!(round.seats.iter().filter(|seat| with_data(seat)).count(), 3);
    assert_eq!((round.results.len(), round.struck.len()), (2, 1));
    let struck = &whole.claims[&round.struck[0]];
    assert_eq!((struck.state, &struck.disputes[..]), (ClaimState::Struck, &[1][..]));
    let decided = whole.disputes[&1].decided.as_ref().expect("by the clock");
    assert!(decided.asserter_lost && decided.by_clock);
    assert_eq!(whole.claims[&settled.claim].state, ClaimState::Final);

    for (n, node) in (0..).zip(nodes) {
        assert_eq!(whole.nodes[&n].key, node.address());
        assert_eq!(whole.paid(n), node.paid(n).await.expect("a view"));
    }
    for node in &nodes[..2] {
        let (seen, account) = (&whole.accounts[&node.address()], node.account(node.address()));
        let (account, last) =
            (account.await.expect("a view"), seen.points.last().expect("a point"));
        assert_eq!((seen.cash, seen.position), (account.cash, account.position));
        assert_eq!(last.equity, account.equity);
        assert_eq!((last.initial, last.maintenance), (account.initial, account.maintenance));
        assert_eq!(seen.entry_price, Some(ether(50)));
    }
    let gate = &whole.gates[&setup().terms.market];
    let margins = owner.margins(setup().terms.market).await.expect("a view");
    assert_eq!((gate.initial, gate.maintenance), margins);
    let price = owner.price(setup().terms.market).await.expect("a view");
    assert_eq!((gate.price, gate.market_time), price);

    let commits = whole.transactions.iter().filter(|tx| {
        tx.call.as_ref().is_some_and(|call| call.contract == "Rounds" && call.name == "commit")
    });
    let commits: Vec<_> = commits.collect();
    assert_eq!(commits.len(), usize::from(NODES));
    assert_eq!(commits[0].call.as_ref().expect("it decodes").fields[0].value, "1");
    let events = commits[0].events.iter().map(|event| event.named.as_ref().expect("it decodes"));
    assert_eq!(
        events.map(|event| event.name.as_str()).collect::<Vec<_>>(),
        ["Seated", "Committed"]
    );
}

async fn commit_and_reveal(nodes: &[Client]) {
    let error = nodes[0].commit(1, keccak256("early")).await.expect_err("no round is open");
    assert_eq!(error.reverted_with(), Some("WrongRound"), "{error}");
    assert!(
        error.to_string().starts_with("commit(uint64,bytes32) reverted: WrongRound("),
        "{error}"
    );

    nodes[0].open_round().await.expect("anybody opens");
    let salt = |n: u32| keccak256(n.to_be_bytes());
    let root = |n: u32| tensor_root(&update(7 + n.cast_signed()), 128);
    for (n, node) in (0..).zip(nodes) {
        let commitment = node.commitment_of(1, n, root(n), salt(n)).await.expect("a view");
        node.commit(1, commitment).await.expect("it commits");
    }
    let again = nodes[0].commit(1, keccak256("two")).await.expect_err("the phase is over");
    assert_eq!(again.reverted_with(), Some("WrongPhase"), "{again}");
    assert_eq!(phase(&nodes[0]).await, Phase::Reveal);

    let blob = |n: u32| keccak256(n.to_le_bytes());
    for (n, node) in (0u32..).zip(&nodes[..3]) {
        let data = update(7 + n.cast_signed());
        node.reveal_with_data(1, salt(n), blob(n), data).await.expect("it reveals");
    }
    let digest = nodes[3].availability_digest(1, 3, root(3), blob(3)).await.expect("a view");
    let reveal = |signers: &[u8]| {
        let signature = |n: &u8| key(*n).sign_message_sync(digest.as_slice()).expect("it signs");
        let bytes: Vec<u8> = signers.iter().flat_map(|n| signature(n).as_bytes()).collect();
        let signatures = bytes.into();
        Reveal { round: 1, update_root: root(3), salt: salt(3), blob: blob(3), signatures }
    };
    let light = nodes[3].reveal(reveal(&[1])).await.expect_err("half the stake is not enough");
    assert_eq!(light.reverted_with(), Some("CertificateTooLight"), "{light}");
    nodes[3].reveal(reveal(&[1, 2])).await.expect("three quarters are");
    let round = nodes[0].round().await.expect("a view");
    assert_eq!(phase(&nodes[0]).await, Phase::Aggregate);
    assert!(round.seats.iter().all(|seat: &Seat| seat.revealed));
}

async fn phase(client: &Client) -> Phase {
    Phase::from_word(client.round().await.expect("a view").phase)
}

async fn aggregate(nodes: &[Client], outputs: &Outputs) {
    advance(&nodes[0], 3).await;
    let first = nodes[0].aggregator().await.expect("it is known");
    let other = (first + 1) % u32::from(NODES);
    let turn =
        nodes[other as usize].post_result(1, outputs.root()).await.expect_err("not its turn");
    assert_eq!(turn.reverted_with(), Some("NotAggregator"), "{turn}");

    // Whoever posts a wrong result and has nothing to say for it loses its bond, and the challenger
    // posts the right one.
    let wrong = keccak256("wrong");
    nodes[first as usize].post_result(1, wrong).await.expect("it posts");
    let round = nodes[0].round().await.expect("a view");
    let header = header(u32::from(NODES));
    let challenger = &nodes[other as usize];
    challenger.challenge(round.claim, outputs.root(), header).await.expect("it challenges");
    let record = nodes[0].dispute(1).await.expect("an answer").expect("it has begun").record;
    let early = nodes[0].timeout(1, &record).await.expect_err("the clock runs");
    assert_eq!(early.reverted_with(), Some("ClockRuns"), "{early}");
    advance(&nodes[0], setup().clock_blocks + 1).await;
    nodes[0].timeout(1, &record).await.expect("the clock ran out");
    assert_eq!(nodes[0].dispute(1).await.expect("an answer"), None);
    let second = nodes[0].aggregator().await.expect("it is known");
    assert_eq!(second, other);
    nodes[second as usize].post_result(1, outputs.root()).await.expect("it posts");

    let settle = |client: &Client| {
        let client = client.clone();
        let (roots, chunk) = (outputs.roots.clone(), outputs.accepted.clone());
        async move { client.settle(1, roots, chunk).await }
    };
    let early = settle(&nodes[0]).await.expect_err("the window is open");
    assert!(matches!(early, ClientError::Reverted { .. }), "{early}");
    advance(&nodes[0], setup().window_blocks + 1).await;
    settle(&nodes[0]).await.expect("anybody settles");
    let round = nodes[0].round().await.expect("a view");
    assert_eq!(round.modelRoot, outputs.roots[0]);
    assert_eq!(phase(&nodes[0]).await, Phase::Idle);
    for (index, node) in (0..).zip(nodes) {
        let held = node.tokens(node.address()).await.expect("a view");
        let expected = match index {
            lost if lost == first => ether(90),
            won if won == other => ether(105),
            _ => ether(100),
        };
        assert_eq!(held, expected, "node {index}");
    }
}

async fn pay(nodes: &[Client], outputs: &Outputs) {
    let (chunk, siblings) = outputs.proof();
    let wei = U256::from(SHARE_GWEI) * U256::from(1_000_000_000);
    for (n, node) in (0..).zip(&nodes[..3]) {
        node.claim_reward(n, chunk.clone(), siblings.clone()).await.expect("it is due");
        let payee = key(91 + u8::try_from(n).expect("four nodes")).address();
        assert_eq!(node.tokens(payee).await.expect("a view"), wei);
        assert_eq!(node.paid(n).await.expect("a view"), wei);
    }
    for n in [0, 3] {
        let error = nodes[0].claim_reward(n, chunk.clone(), siblings.clone()).await;
        let error = error.expect_err("nothing is due twice, or for a rejected update");
        assert_eq!(error.reverted_with(), Some("NothingDue"), "{error}");
    }
}

async fn market_day(owner: &Client, nodes: &[Client], outputs: &Outputs) {
    let market = setup().terms.market;
    let (trader, counterparty) = (&nodes[0], &nodes[1]);
    owner.approve_all().await.expect("approvals");
    // The first report raises margin at once, though its claim is open.
    report(owner, outputs, (1, 50), 0.25).await;
    for client in [trader, counterparty] {
        client.mint_dollars(ether(1_000)).await.expect("play money");
        client.deposit(ether(1_000)).await.expect("collateral");
    }
    let order = |client: &Client, size: I256| {
        let price = ether(50);
        let order =
            Order { trader: client.address(), size, price, expiry: u64::MAX, salt: U256::ZERO };
        client.sign_order(order)
    };
    let size = ether(10);
    let ten = I256::try_from(size).expect("it is small");
    let (buy, sell) = (order(counterparty, ten), order(trader, -ten));
    owner.trade(Match { buy, sell, size, price: ether(50) }).await.expect("they meet");
    let before = trader.account(trader.address()).await.expect("a view");
    assert_eq!((before.position, before.initial), (-ten, ether(125)));

    report(owner, outputs, (2, 51), 0.375).await;
    assert_eq!(owner.price(market).await.expect("a view").0, ether(51));
    let after = trader.account(trader.address()).await.expect("a view");
    assert_eq!(after.initial, ether(19_125) / U256::from(100));
    assert_eq!(after.equity, I256::try_from(ether(990)).expect("it is small"));
    assert!(owner.fresh(market).await.expect("a view"));

    // A raise ends with its claim, and what was final holds again.
    let last = owner.latest_report(owner.address(), market, 1).await.expect("a view");
    let header = report_header(u32::from(NODES));
    counterparty.challenge(last.claim, keccak256("otherwise"), header).await.expect("it says no");
    let count = owner.dispute_count().await.expect("a view");
    let standing = owner.dispute(count).await.expect("an answer").expect("it has begun");
    advance(owner, setup().clock_blocks + 1).await;
    owner.timeout(count, &standing.record).await.expect("the clock ran out");
    let fallen = trader.account(trader.address()).await.expect("a view");
    assert_eq!(fallen.initial, ether(12_750) / U256::from(100));
    let standing = owner.latest_report(owner.address(), market, 1).await.expect("a view");
    assert!(standing.claim < last.claim && !standing.claim.is_zero());
    assert!(owner.can_apply(market).await.expect("a view"));
    owner.apply_reports(market).await.expect("the gate is told");
    assert!(!owner.can_apply(market).await.expect("a view"));
}

/// Posts a price and a margin one day later than the last block, and lets both through.
async fn report(owner: &Client, outputs: &Outputs, (nonce, dollars): (u64, u64), margin: f64) {
    let last = owner.block(Default::default()).await.expect("an answer").expect("a block");
    let day = last.header.timestamp + 86_400;
    owner.set_next_time(day).await.expect("the clock moves");
    advance(owner, 1).await;
    let chunk = |bounds: [f64; 3]| {
        let mut chunk: Vec<u8> = bounds.iter().flat_map(|bound| bound.to_le_bytes()).collect();
        chunk.resize(256, 0);
        chunk
    };
    let chunks = [chunk([margin, margin / 2.0, margin]), chunk([0.5, 0.25, 0.75])];
    let leaves = chunks.each_ref().map(|chunk| leaf(chunk, 256));
    let data = Bytes::from(vec![7; 16]);
    let inputs = round_inputs();
    let mut all = vec![outputs.roots[0], tensor_root(&data, 128), inputs[0], outputs.roots[1]];
    all.extend(&inputs[4..]);
    let [margin, volatility] = chunks;
    let posting = Posting {
        bundle: Bundle {
            market: setup().terms.market,
            price: ether(dollars),
            outputsRoot: list_root(&leaves),
            marketTime: day,
            validFrom: day,
            expiry: day + 2 * 86_400,
            nonce,
        },
        basis: Basis { inputs, outputs: outputs.roots.clone(), data: vec![data] },
        readings: vec![(margin.into(), vec![leaves[1]]), (volatility.into(), vec![leaves[0]])],
        program: report_program(u32::from(NODES)),
        inputs_root: list_root(&all),
    };
    owner.report(posting).await.expect("the oracle takes it");
    owner.apply_reports(setup().terms.market).await.expect("the gate lets it through");
}

/// The inputs of the round's claim, once more.
fn round_inputs() -> Vec<B256> {
    let members: Vec<u8> = (0..u32::from(NODES)).flat_map(u32::to_le_bytes).collect();
    let config = setup().rounds;
    let budget = 1e9_f64.to_le_bytes();
    let mut inputs = vec![config.initialModel, config.initialCumulative, leaf(&budget, 256)];
    inputs.push(leaf(&members, 128));
    inputs.extend((0..i32::from(NODES)).map(|n| tensor_root(&update(7 + n), 128)));
    inputs
}
