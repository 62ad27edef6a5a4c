//! How many reports and liquidations a core executes, in revm alone: no network, no disk.
//!
//! `cargo bench -p chain --bench desk`. The contracts are put on the embedded chain, their state is
//! taken over into memory, and then a price falls a little, again and again: the provider posts it
//! with a signature, the gate applies it, and an account that fell under its maintenance margin is
//! liquidated. Signatures are made beforehand. A margin report, which opens a claim in the court,
//! is timed by itself.

#![allow(clippy::print_stdout, reason = "a bench talks to people")]

#[path = "../tests/chain/fixture.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod fixture;

use std::fmt::Debug;
use std::time::Instant;

use alloy::{
    primitives::{Address, B256, Bytes, I256, U256},
    signers::{SignerSync, local::PrivateKeySigner},
    sol_types::SolCall,
};
use chain::{
    Client, Deployment,
    client::{Basis, Bundle, Order, Posting, Price},
    contracts::{
        clearing::ClearingHouse,
        dollar::DemoDollar,
        gate::RiskGate,
        oracle::{ICourt, RiskOracle},
    },
};
use revm::{
    Context, ExecuteCommitEvm, MainBuilder, MainContext,
    bytecode::Bytecode,
    context::{BlockEnv, CfgEnv, TxEnv, result::ExecutionResult},
    database::CacheDB,
    database_interface::{DBErrorMarker, DatabaseRef},
    primitives::{TxKind, hardfork::SpecId},
    state::AccountInfo,
};
use serde::{Serialize, de::DeserializeOwned};
use tokio::runtime::{Handle, Runtime};

use fixture::{Chain, GENESIS, deployed, ether, key, leaf, list_root, report_program, setup};

/// Liquidations of a batch, and batches.
const BATCH: usize = 200;
const BATCHES: usize = 12;
/// Bundles of a batch; a claim is final some blocks later, and 64 may wait.
const BUNDLES: usize = 100;
const TIME: u64 = GENESIS + 86_400;

type Evm = revm::MainnetEvm<revm::handler::MainnetContext<CacheDB<Remote>>>;

/// The deployed chain, which is read where nothing is cached; once everything that is there was
/// read, what is not cached is zero.
struct Remote {
    client: Client,
    handle: Handle,
    is_read: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("the chain does not answer")]
struct Gone;

impl DBErrorMarker for Gone {}

impl Remote {
    fn ask<T>(&self, method: &'static str, params: impl Params) -> Result<T, Gone>
    where
        T: DeserializeOwned + Debug + Default + Send + Sync + Unpin + 'static,
    {
        if self.is_read {
            return Ok(T::default());
        }
        self.handle.block_on(self.client.request(method, params)).map_err(|_| Gone)
    }
}

trait Params: Serialize + Clone + Debug + Send + Sync + Unpin + 'static {}
impl<T: Serialize + Clone + Debug + Send + Sync + Unpin + 'static> Params for T {}

impl DatabaseRef for Remote {
    type Error = Gone;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, Gone> {
        let code: Bytes = self.ask("eth_getCode", (address, "latest"))?;
        let balance: U256 = self.ask("eth_getBalance", (address, "latest"))?;
        let code = Bytecode::new_raw(code);
        Ok(Some(AccountInfo::default().with_balance(balance).with_code(code)))
    }

    fn code_by_hash_ref(&self, _: B256) -> Result<Bytecode, Gone> {
        Err(Gone) // an account comes with its code
    }

    fn storage_ref(&self, address: Address, index: U256) -> Result<U256, Gone> {
        let word: B256 = self.ask("eth_getStorageAt", (address, index, "latest"))?;
        Ok(word.into())
    }

    fn block_hash_ref(&self, _: u64) -> Result<B256, Gone> {
        Ok(B256::ZERO)
    }
}

/// The contracts in memory, and what has been sent to them.
struct Desk {
    evm: Evm,
    at: Deployment,
    owner: Client,
    nonce: u64,
    accounts: Vec<PrivateKeySigner>,
    liquidated: usize,
}

fn main() {
    let runtime = Runtime::new().expect("a runtime");
    let (chain, owner, at) = runtime.block_on(async {
        let chain = Chain::embedded().await;
        let (owner, at) = deployed(&chain.url()).await;
        owner.approve(at.court, U256::MAX).await.expect("the court may take bonds");
        (chain, owner, at)
    });
    let remote = Remote { client: owner.clone(), handle: runtime.handle().clone(), is_read: false };
    let mut desk = Desk::new(remote, owner, at);
    desk.open();
    // Whatever is there has been read once after these.
    desk.bundles(80);
    desk.fall(4);
    desk.evm.ctx.journaled_state.database.db.is_read = true;
    drop(chain);

    let mut rates = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..BATCHES {
        let [price, liquidation] = desk.fall(BATCH);
        rates[0].push(BATCH as f64 * 3.0 / (price + liquidation));
        rates[1].push(BATCH as f64 / liquidation);
        rates[2].push(BUNDLES as f64 * 2.0 / desk.bundles(BUNDLES));
    }
    let names = [
        "price report, gate, liquidation: transactions a second",
        "liquidations alone, a second",
        "margin report with its claim, gate: transactions a second",
    ];
    for (name, mut rates) in names.into_iter().zip(rates) {
        rates.sort_by(f64::total_cmp);
        let of = |share: usize| rates[share * (rates.len() - 1) / 4];
        println!("{name}: {:.0} (quartiles {:.0} to {:.0})", of(2), of(1), of(3));
    }
}

impl Desk {
    fn new(remote: Remote, owner: Client, at: Deployment) -> Desk {
        let mut cfg = CfgEnv::new().with_chain_id(at.chain_id);
        cfg = cfg.with_spec_and_mainnet_gas_params(SpecId::OSAKA);
        cfg.disable_nonce_check = true;
        let block = BlockEnv {
            number: U256::from(1_000),
            timestamp: U256::from(TIME),
            gas_limit: u64::MAX,
            prevrandao: Some(B256::ZERO),
            ..BlockEnv::default()
        };
        let evm = Context::mainnet()
            .with_db(CacheDB::new(remote))
            .with_block(block)
            .with_cfg(cfg)
            .build_mainnet();
        let account = |n: usize| {
            let hash = alloy::primitives::keccak256(n.to_be_bytes());
            PrivateKeySigner::from_bytes(&hash).expect("a hash is a key")
        };
        let accounts = (0..8 + BATCH * BATCHES).map(account).collect();
        Desk { evm, at, owner, nonce: 0, accounts, liquidated: 0 }
    }

    fn send(&mut self, from: Address, to: Address, call: &impl SolCall) {
        self.run(from, to, call.abi_encode().into());
    }

    fn run(&mut self, from: Address, to: Address, data: Bytes) {
        let tx = TxEnv::builder().caller(from).kind(TxKind::Call(to)).data(data);
        let tx = tx.chain_id(Some(self.at.chain_id)).gas_limit(16_000_000).build();
        let result = self.evm.transact_commit(tx.expect("it is whole")).expect("it is executed");
        assert!(matches!(result, ExecutionResult::Success { .. }), "{result:?}");
    }

    /// Gives everybody money and a position; the price is 50.
    fn open(&mut self) {
        self.bundles(1);
        let (price, apply) = self.price(ether(50));
        self.run(self.owner.address(), self.at.oracle, price);
        self.run(self.owner.address(), self.at.gate, apply);
        let (maker, liquidator) = (key(1), key(2).address());
        for (account, amount) in [(maker.address(), 1_000_000_000), (liquidator, 1_000_000_000)] {
            self.pay_in(account, ether(amount));
        }
        for n in 0..self.accounts.len() {
            let taker = self.accounts[n].clone();
            self.pay_in(taker.address(), ether(12));
            let order = |signer: &PrivateKeySigner, size: i64| {
                let order = Order {
                    trader: signer.address(),
                    size: I256::try_from(size).expect("small") * I256::from_raw(ether(1)),
                    price: ether(50),
                    expiry: TIME + 86_400,
                    salt: U256::from(n),
                };
                let digest = self.owner.order_digest(&order);
                let signature = signer.sign_hash_sync(&digest).expect("it signs");
                (order, Bytes::from(signature.as_bytes().to_vec()))
            };
            let ((buy, buy_signature), (sell, sell_signature)) =
                (order(&taker, 1), order(&maker, -1));
            let call = ClearingHouse::tradeCall {
                buy,
                buySignature: buy_signature,
                sell,
                sellSignature: sell_signature,
                size: ether(1),
                price: ether(50),
            };
            self.send(maker.address(), self.at.clearing, &call);
        }
        // The price falls far enough for all of them to be under maintenance.
        for dollars in [46, 42] {
            let (price, apply) = self.price(ether(dollars));
            self.run(self.owner.address(), self.at.oracle, price);
            self.run(self.owner.address(), self.at.gate, apply);
        }
    }

    fn pay_in(&mut self, account: Address, amount: U256) {
        let at = self.at.clone();
        self.send(account, at.dollar, &DemoDollar::mintCall { account, amount });
        self.send(
            account,
            at.dollar,
            &DemoDollar::approveCall { spender: at.clearing, value: amount },
        );
        self.send(account, at.clearing, &ClearingHouse::depositCall { amount });
    }

    /// The calls that post a signed price and apply it.
    fn price(&mut self, price: U256) -> (Bytes, Bytes) {
        self.nonce += 1;
        let market = setup().terms.market;
        let price = Price {
            market,
            price,
            marketTime: TIME,
            validFrom: TIME,
            expiry: TIME + 86_400,
            nonce: self.nonce,
        };
        let digest = self.owner.price_digest(&price);
        let signature = key(0).sign_hash_sync(&digest).expect("it signs").as_bytes().to_vec();
        let call = RiskOracle::postPriceCall { price, signature: signature.into() };
        (call.abi_encode().into(), RiskGate::applyReportsCall { market }.abi_encode().into())
    }

    /// Lets the price fall so often, with a liquidation each time; returns the seconds that prices
    /// and liquidations took.
    fn fall(&mut self, count: usize) -> [f64; 2] {
        let mut prepared = Vec::new();
        for _ in 0..count {
            let price = ether(42) - U256::from(self.nonce) * U256::from(1_000_000_000_000_u64);
            prepared.push(self.price(price));
        }
        let (owner, liquidator) = (self.owner.address(), key(2).address());
        let (mut prices, mut liquidations) = (0.0, 0.0);
        for (price, apply) in prepared {
            let account = self.accounts[self.liquidated].address();
            self.liquidated += 1;
            let take = ClearingHouse::liquidateCall { account, size: ether(1) / U256::from(4) };
            let take: Bytes = take.abi_encode().into();
            let began = Instant::now();
            self.run(owner, self.at.oracle, price);
            self.run(owner, self.at.gate, apply);
            prices += began.elapsed().as_secs_f64();
            let began = Instant::now();
            self.run(liquidator, self.at.clearing, take);
            liquidations += began.elapsed().as_secs_f64();
        }
        [prices, liquidations]
    }

    /// Posts so many margin reports, each a block later and applied; returns the seconds they took.
    fn bundles(&mut self, count: usize) -> f64 {
        let prepared: Vec<_> = (0..count).map(|_| self.bundle()).collect();
        let owner = self.owner.address();
        let apply: Bytes =
            RiskGate::applyReportsCall { market: setup().terms.market }.abi_encode().into();
        let mut seconds = 0.0;
        for call in prepared {
            self.evm.ctx.block.number += U256::from(1);
            let began = Instant::now();
            self.run(owner, self.at.oracle, call);
            self.run(owner, self.at.gate, apply.clone());
            seconds += began.elapsed().as_secs_f64();
        }
        seconds
    }

    /// The call that posts a margin near 20 % with its claim.
    fn bundle(&mut self) -> Bytes {
        self.nonce += 1;
        let margin = 0.2 - 1e-9 * self.nonce as f64;
        let chunk = |numbers: [f64; 3]| -> Vec<u8> {
            let mut bytes: Vec<u8> =
                numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
            bytes.resize(256, 0);
            bytes
        };
        let chunks = [chunk([0.9 * margin, 0.8 * margin, margin]), chunk([0.02, 0.01, 0.03])];
        let leaves = chunks.clone().map(|chunk| leaf(&chunk, 256));
        let data = vec![7; 16];
        let inputs = [setup().rounds.initialModel, fixture::tensor_root(&data, 128)];
        let [margin, volatility] = chunks;
        let posting = Posting {
            bundle: Bundle {
                market: setup().terms.market,
                price: ether(50),
                outputsRoot: list_root(&leaves),
                marketTime: TIME,
                validFrom: TIME,
                expiry: TIME + 86_400,
                nonce: self.nonce,
            },
            basis: Basis { inputs: vec![], outputs: vec![], data: vec![data.into()] },
            readings: vec![(margin.into(), vec![leaves[1]]), (volatility.into(), vec![leaves[0]])],
            program: report_program(0),
            inputs_root: list_root(&inputs),
        };
        let digest = self.owner.report_digest(&posting);
        let signature = key(0).sign_hash_sync(&digest).expect("it signs").as_bytes().to_vec();
        let opening = |(chunk, siblings)| ICourt::Opening { chunk, siblings };
        let call = RiskOracle::postCall {
            bundle: posting.bundle,
            basis: posting.basis,
            readings: posting.readings.into_iter().map(opening).collect(),
            signature: signature.into(),
        };
        call.abi_encode().into()
    }
}
