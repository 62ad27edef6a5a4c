//! Chains to test on, keys, a small job, and the commitments of docs/protocol.md §1 written down a
//! second time.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use alloy::{
    primitives::{B256, Bytes, U256, keccak256, utils::Unit},
    signers::local::PrivateKeySigner,
};
use chain::{
    Client, Deployment,
    contracts::{
        clearing::IClearingHouse,
        feed::IPriceFeed,
        gate::IRiskGate,
        house::{Funding, IPortfolioHouse, Scenarios, Sizes},
        ledger::IProviderLedger,
        oracle::IRiskOracle,
        panel::IPanelGate,
        rounds::IRounds,
        scores::IScores,
    },
    deploy::{HouseSetup, PanelSetup, Setup},
    embedded::{Config, Server},
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

pub(crate) const CHAIN_ID: u64 = 31_337;
pub(crate) const GENESIS: u64 = 1_420_070_400;
pub(crate) const CUMULATIVE: u16 = 256;
pub(crate) const D: u32 = 4;

/// Key `n`: as good as random, and the same in every run.
pub(crate) fn key(n: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&keccak256([b'k', n])).expect("a hash is a key")
}

pub(crate) fn ether(n: u64) -> U256 {
    Unit::ETHER.wei() * U256::from(n)
}

pub(crate) fn percent(n: u64) -> U256 {
    U256::from(n) * U256::from(10_000_000_000_000_000u64)
}

pub(crate) fn config(dir: &Path) -> Config {
    Config {
        dir: dir.to_owned(),
        chain_id: CHAIN_ID,
        port: 0,
        genesis_time: GENESIS,
        block_ms_min: 0,
        block_ms_max: 10_000,
        funded: (0..6).map(|n| (key(n).address(), ether(1_000))).collect(),
    }
}

pub(crate) async fn start(dir: &Path) -> Server {
    Server::start(config(dir)).await.expect("a fresh directory starts")
}

pub(crate) async fn connect(server: &Server, n: u8) -> Client {
    Client::connect(&server.url(), key(n)).await.expect("the server answers")
}

pub(crate) async fn connect_url(url: &str, n: u8) -> Client {
    Client::connect(url, key(n)).await.expect("the chain answers")
}

/// The header of a made-up aggregation Program: four ops, each of them an output.
pub(crate) fn header(rows: u32) -> Vec<u8> {
    let numbers = [4, 4, 0, 1, 2, 3, 0_u32];
    let mut header: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
    header.extend(keccak256(rows.to_be_bytes()));
    header
}

/// The header of a made-up report Program: two ops, each of them an output; 0 rows before the first
/// settled round.
pub(crate) fn report_header(rows: u32) -> Vec<u8> {
    let numbers = [2, 2, 0, 1, 0_u32];
    let mut header: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
    header.extend(keccak256([&b"report"[..], &rows.to_be_bytes()].concat()));
    header
}

/// Its hash.
pub(crate) fn report_program(rows: u32) -> B256 {
    keccak256([&[3], &report_header(rows)[..]].concat())
}

/// The header of a made-up validation Program: one op, which is its output.
pub(crate) fn validation_header() -> Vec<u8> {
    let numbers = [1, 1, 0, 2_u32];
    let mut header: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
    header.extend([0, 0, 0, 0]);
    header.extend(keccak256("validation"));
    header
}

/// Its hash.
pub(crate) fn validation_program() -> B256 {
    keccak256([&[3], &validation_header()[..]].concat())
}

/// Rows of the report Programs of a job whose rounds have 3 to 8.
pub(crate) fn report_rows() -> impl Iterator<Item = u32> {
    std::iter::once(0).chain(3..=4)
}

/// Its hash. Nobody strikes it, so nobody asks for its ops.
pub(crate) fn program(rows: u32) -> B256 {
    keccak256([&[3], &header(rows)[..]].concat())
}

/// The header of a made-up score Program: seven ops, each of them an output.
pub(crate) fn score_header(rows: u32) -> Vec<u8> {
    let numbers = [7, 7, 0, 1, 2, 3, 4, 5, 6, 0_u32];
    let mut header: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
    header.extend(keccak256([&b"score"[..], &rows.to_be_bytes()].concat()));
    header
}

/// Its hash.
pub(crate) fn score_program(rows: u32) -> B256 {
    keccak256([&[3], &score_header(rows)[..]].concat())
}

/// Terms of scores for these rounds.
pub(crate) fn scores(rounds: &IRounds::Config) -> IScores::Terms {
    IScores::Terms {
        programs: (rounds.quorum..=rounds.capacity).map(score_program).collect(),
        quorum: rounds.quorum,
        models: 2,
        windowLength: 16,
        lag: 1,
        windowBlocks: 6,
        turnBlocks: 2,
        budgetGwei: 1_000_000_000,
        cumulativeLength: rounds.cumulativeLength,
        initialCumulative: rounds.initialCumulative,
    }
}

/// The Programs of a job, to be registered with bytes that nobody looks at.
pub(crate) fn registrations(rounds: &IRounds::Config) -> Vec<(B256, Bytes)> {
    rounds.aggregatePrograms.iter().map(|program| (*program, Bytes::new())).collect()
}

fn rounds() -> IRounds::Config {
    IRounds::Config {
        job: keccak256("job"),
        nodes: 3,
        quorum: 3,
        capacity: 4,
        cumulativeLength: CUMULATIVE.into(),
        commitBlocks: 40,
        revealBlocks: 40,
        aggregateBlocks: 60,
        budgetGwei: 1_000_000_000,
        unrevealedPenalty: ether(1),
        updateLength: D,
        trainProgram: keccak256("train"),
        initialModel: tensor_root(&[0; 16], 128),
        initialCumulative: tensor_root(&[0; CUMULATIVE as usize * 8], 256),
        aggregatePrograms: (3..=4).map(program).collect(),
    }
}

pub(crate) fn setup() -> Setup {
    let rounds = rounds();
    Setup {
        supply: ether(1_000_000),
        minimum_stake: ether(100),
        unbond_blocks: 100_000,
        bond: ether(10),
        window_blocks: 3,
        clock_blocks: 30,
        gas_price_cap: U256::from(100_000_000_000_u64),
        programs: (3..=4)
            .map(program)
            .chain(report_rows().map(report_program))
            .map(|program| (program, Bytes::new()))
            .collect(),
        report_programs: report_rows().map(report_program).collect(),
        report_data: vec![IRiskOracle::Posted { length: 16, wide: false }],
        scores: scores(&rounds),
        rounds,
        scored: false,
        fund: ether(100),
        provider: key(0).address(),
        limits: IRiskGate::Limits {
            floor: percent(5),
            ceiling: percent(100),
            stepUp: percent(100),
            stepDown: percent(10),
            priceStep: percent(20),
            staticInitial: percent(20),
            staticMaintenance: percent(12),
        },
        terms: IClearingHouse::Terms {
            market: keccak256("WTI spot"),
            settlesAt: GENESIS + 365 * 86_400,
            band: percent(5),
            discount: percent(1),
            insuranceFee: percent(1),
        },
        panel: panel(),
        house: house(),
    }
}

/// Bits of the f64 0.1875, the farthest mark from a grid's price as a share of it.
const BAND: u64 = 0x3fc8_0000_0000_0000;

/// A feed of the same reporters with slots of half an hour, and a book of 32 rows.
fn house() -> HouseSetup {
    HouseSetup {
        feed: IPriceFeed::Terms { slotSeconds: 1_800, lateSeconds: 0, ..panel().feed },
        pot: ether(50),
        program: keccak256("grid"),
        rows: 32,
        band: BAND,
        least: [percent(12).to(), percent(25).to(), percent(12).to()],
        terms: IPortfolioHouse::Terms {
            charges: Scenarios::Charges {
                net: 20_000,
                hedged: 10_000,
                short: 10_000,
                maintenance: 500_000,
            },
            funding: Funding::Rules { clamp: 5_000, memory_: 1_800, period: 28_800, gap: 600 },
            lotsMin: 1_000,
            band: 10_000,
            fee: 0,
            penalty: 20_000,
            haircutMax: 200_000,
            stress: 0,
            auctionSeconds: 600,
        },
        size: Sizes::Size {
            depth: 1_000_000_000,
            interestMax: 1_000_000_000,
            interest: 0,
            thin: 0,
            crowd: 0,
        },
    }
}

/// Accounts of the book.
pub(crate) const ACCOUNTS: u32 = 4;

/// A feed of three reporters with slots of a day, and a gate of two providers.
fn panel() -> PanelSetup {
    let limits = |ceiling: u64| IPanelGate::Limits {
        floor: percent(1).to(),
        ceiling: percent(ceiling).to(),
        stepUp: percent(100).to(),
        stepDown: percent(10).to(),
    };
    PanelSetup {
        reporters: (0..3).map(|n| key(n).address()).collect(),
        feed: IPriceFeed::Terms {
            slotSeconds: 86_400,
            lateSeconds: 86_400,
            quorum: 2,
            band: percent(2).to(),
            stake: ether(5),
            pay: ether(1),
        },
        pot: ether(50),
        ledger: IProviderLedger::Terms { horizonSlots: 1, missRate: percent(1) },
        accounts: ACCOUNTS,
        consequence: keccak256("consequence"),
        providers: (0..2).map(|n| key(n).address()).collect(),
        policy: IPanelGate::Policy {
            margin: limits(100),
            volatility: limits(1_000),
            staticInitial: percent(20).to(),
            staticMaintenance: percent(12).to(),
            staticVolatility: percent(3).to(),
            delay: 0,
            patience: 8,
            countMax: U256::from(1),
            notionalMax: ether(1_000),
        },
    }
}

/// A chain to test on.
pub(crate) enum Chain {
    Embedded(Server, tempfile::TempDir),
    Anvil { url: String, _process: Child },
}

impl Chain {
    pub(crate) async fn embedded() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        Self::Embedded(start(dir.path()).await, dir)
    }

    /// Starts anvil where `npm ci` has installed it.
    pub(crate) async fn anvil() -> Option<Self> {
        let mut child = Command::new(anvil_binary()?)
            .args(["--port", "0", "--timestamp", &GENESIS.to_string()])
            .args(["--chain-id", &CHAIN_ID.to_string()])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("anvil starts");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let url = loop {
            let line = lines.next_line().await.expect("anvil speaks").expect("anvil listens");
            if let Some(address) = line.strip_prefix("Listening on ") {
                break format!("http://{}", address.trim());
            }
        };
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let client = Client::connect(&url, key(0)).await.expect("anvil answers");
        for n in 0..6 {
            let params = (key(n).address(), ether(1_000));
            let funded = client.request::<_, serde_json::Value>("anvil_setBalance", params).await;
            funded.expect("anvil funds anybody");
        }
        Some(Self::Anvil { url, _process: child })
    }

    pub(crate) fn url(&self) -> String {
        match self {
            Self::Embedded(server, _) => server.url(),
            Self::Anvil { url, .. } => url.clone(),
        }
    }
}

/// The program itself and not npm's script around it, which would leave it running when killed.
fn anvil_binary() -> Option<PathBuf> {
    let packages =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../contracts/node_modules/@foundry-rs");
    let packages = std::fs::read_dir(packages).ok()?;
    let binary = |package: std::fs::DirEntry| package.path().join("bin/anvil");
    packages.flatten().map(binary).find(|path| path.exists())
}

/// Makes `blocks` empty blocks.
pub(crate) async fn advance(client: &Client, blocks: u64) {
    for _ in 0..blocks {
        client.mine().await.expect("a block");
    }
}

/// Deploys with key 0 and returns its client, bound.
pub(crate) async fn deployed(url: &str) -> (Client, Deployment) {
    deployed_with(url, &setup()).await
}

/// Deploys something else than [`setup`] likewise.
pub(crate) async fn deployed_with(url: &str, setup: &Setup) -> (Client, Deployment) {
    let client = Client::connect(url, key(0)).await.expect("the chain answers");
    let deployment = chain::deploy::deploy(&client, setup).await.expect("the contracts deploy");
    (client.with(deployment.clone()), deployment)
}

pub(crate) fn leaf(chunk: &[u8], size: usize) -> B256 {
    let mut bytes = vec![0; 1 + size];
    bytes[1..=chunk.len()].copy_from_slice(chunk);
    keccak256(bytes)
}

pub(crate) fn inner(children: &[B256]) -> B256 {
    four(&children.chunks(4).map(four).collect::<Vec<_>>())
}

pub(crate) fn four(children: &[B256]) -> B256 {
    let mut bytes = vec![0; 1 + 4 * 32];
    bytes[0] = 1;
    for (place, child) in bytes[1..].chunks_exact_mut(32).zip(children) {
        place.copy_from_slice(child.as_slice());
    }
    keccak256(bytes)
}

pub(crate) fn list_root(nodes: &[B256]) -> B256 {
    let mut level = nodes.to_vec();
    while level.len() > 1 {
        level = level.chunks(16).map(inner).collect();
    }
    level[0]
}

/// Root of a tensor's bytes with chunks of `size` bytes.
pub(crate) fn tensor_root(bytes: &[u8], size: usize) -> B256 {
    let leaves: Vec<_> = bytes.chunks(size).map(|chunk| leaf(chunk, size)).collect();
    list_root(&leaves)
}

/// Bytes of an update whose every coordinate is `value`.
pub(crate) fn update(value: i32) -> Bytes {
    value.to_le_bytes().repeat(D as usize).into()
}
