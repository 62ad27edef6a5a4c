//! A cleared market on the embedded chain: a grid whose claim becomes final, an option and a
//! perpetual traded, and an account liquidated.

use alloy::primitives::{Address, B256, Bytes, I256, U256, keccak256};
use chain::{
    ClientError, Mined,
    client::{
        Deal, House, PackageOrder, Reading, Rows, SlotReport,
        house::{Data, Listing, option, perpetual},
    },
    contracts::{
        dollar::DemoDollar,
        feed::IPriceFeed,
        house::{Funding, IPortfolioHouse, PortfolioHouse, Scenarios, Sizes},
        scenarios::IScenarioBook,
    },
    deploy::{Clearing, ClearingSetup, CourtTerms, deploy_clearing, plan_clearing},
    local::Local,
};
use market::scenario::{Grid, Kind, Leg, Market, Width, book, book_inputs, ledger};
use tensor::{Program, Tensor};

use crate::fixture::{Chain, GENESIS, advance, connect_url, ether, key, percent};

const ROWS: usize = 32;
/// Lots that the market takes within 2 %, a hundred units.
const DEPTH: u64 = 100_000_000;
const WINDOW: u64 = 3;
const SLOT: u64 = 60;
const BAND: f64 = 0.1875;
const STRIKE: f64 = 55.0;
const EXPIRY: u64 = GENESIS + 30 * 86_400;

fn program() -> Program {
    book(ROWS, &Grid::published()).expect("rows, and 24 scenarios")
}

fn setup() -> ClearingSetup {
    let program = program();
    let market = IScenarioBook::Market {
        name: keccak256("BTC"),
        gate: Address::ZERO,
        halfMin: percent(10).to(),
        upMin: 0,
        downMin: 0,
    };
    ClearingSetup {
        court: CourtTerms {
            supply: ether(1_000),
            bond: ether(10),
            window_blocks: WINDOW,
            clock_blocks: 30,
            gas_price_cap: U256::ZERO,
            consumers: Vec::new(),
        },
        reporters: vec![key(0).address()],
        feed: IPriceFeed::Terms {
            slotSeconds: 60,
            lateSeconds: 0,
            quorum: 1,
            band: percent(2).to(),
            stake: U256::ZERO,
            pay: U256::ZERO,
        },
        provider: key(0).address(),
        program: (B256::from(program.hash().0), program.encode().into()),
        rows: 32,
        band: BAND,
        markets: vec![market],
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
            stress: 100_000,
            auctionSeconds: 600,
        },
        sizes: vec![Sizes::Size {
            depth: DEPTH,
            interestMax: 1_000_000_000,
            interest: 0,
            thin: 20_000,
            crowd: 50_000,
        }],
        haircut: Address::ZERO,
    }
}

/// The provider's desk: the market, what its rows are, and the grid that counts.
struct Desk {
    _chain: Chain,
    at: Clearing,
    provider: House,
    slot: u64,
    rows: Rows,
    output: Tensor,
    price: u64,
}

impl Desk {
    /// Deploys, lists a perpetual (row 0) and a call (row 1), and makes a grid at 50 count.
    async fn open() -> Desk {
        let chain = Chain::embedded().await;
        let owner = connect_url(&chain.url(), 0).await;
        let at = deploy_clearing(&owner, &setup()).await.expect("the contracts deploy");
        let provider = House::new(&owner, at.clone());
        provider.client().approve(at.base.court, U256::MAX).await.expect("an allowance");
        advance(&owner, WINDOW + 1).await;
        let listings: Vec<Listing> = vec![perpetual(0), option(0, true, STRIKE, EXPIRY)];
        assert_eq!(provider.list(listings).await.expect("a listing"), 0);
        let output = Tensor::f64(&[1, 32], vec![0.0; 32]).expect("a row");
        let rows = Rows::of(&output).expect("a row");
        let slot = GENESIS / SLOT + 10;
        let mut desk = Desk { _chain: chain, at, provider, slot, rows, output, price: 0 };
        desk.see(50).await;
        desk.post().await;
        desk
    }

    /// Makes a price the newest one.
    async fn see(&mut self, dollars: u64) {
        let (client, price) = (self.provider.client(), ether(dollars).to());
        let market = keccak256("BTC");
        // The slot that follows the last one has begun.
        self.slot += 2;
        client.set_next_time(self.slot * SLOT).await.expect("time moves on");
        let report = SlotReport {
            market,
            slot: self.slot,
            price,
            low: price,
            high: price,
            messagesRoot: keccak256([0; 97]),
            messages: 1,
        };
        client.report_slots(vec![report]).await.expect("a report");
        client.set_next_time((self.slot + 1) * SLOT).await.expect("time moves on");
        client.mine().await.expect("a block");
        assert!(client.close_slot(market).await.expect("it closes"));
        self.price = dollars;
    }

    /// Claims a grid at the price and lets its window pass.
    async fn post(&mut self) {
        let client = self.provider.client();
        let head = client.block(alloy::eips::BlockNumberOrTag::Latest).await.expect("an answer");
        let time = head.expect("a block").header.timestamp;
        let price = self.price as f64;
        let width = Width { half: 0.16, up: 0.4, down: 0.22 };
        let made = Market { time: time as f64, price, width, band: BAND };
        let call = Leg {
            kind: Kind::Call,
            strike: STRIKE,
            volatility: 0.6,
            ..Leg::perpetual(1.0, price * 1.01)
        };
        let mut legs = vec![Leg::perpetual(1.0, price); ROWS];
        let mut expiries = vec![0.0; ROWS];
        (legs[1], expiries[1]) = (call, EXPIRY as f64);
        let inputs = book_inputs(&legs, &expiries, made).expect("rows");
        let bytes = |i: usize| Bytes::from(inputs[i].to_bytes());
        let data = Data { head: bytes(3), forwards: bytes(4), volatilities: bytes(5) };
        let own = court::opening::list_root(&court::opening::roots(&inputs));
        let derived = self.provider.inputs_of(0, data.clone()).await.expect("a view");
        assert_eq!(derived, B256::from(own.0), "the contract derives the Program's inputs");
        let output = tensor::eval(&program(), &inputs).expect("inputs fit").remove(0);
        let rows = Rows::of(&output).expect("rows");
        let (claim, _) = self.provider.post_grid(0, data, &rows).await.expect("a claim");
        self.provider.settle_grid(0).await.expect("nothing to do yet");
        let before = self.provider.grid(0).await.expect("a view");
        assert_ne!(U256::from(before.claim), claim, "a root is not used before its claim is final");
        advance(client, WINDOW + 1).await;
        self.provider.settle_grid(0).await.expect("it is final");
        let grid = self.provider.grid(0).await.expect("a view");
        assert_eq!((U256::from(grid.claim), grid.root), (claim, rows.root()));
        (self.rows, self.output) = (rows, output);
    }

    fn readings(&self) -> Vec<Reading> {
        let row = |id: u32| self.rows.reading(id, id as usize).expect("a row");
        vec![row(0), row(1)]
    }

    /// What a unit is worth at the index, ticks.
    fn mark(&self, row: usize) -> i128 {
        let numbers = self.output.as_f64().expect("f64");
        let row = ledger::Row::read(&numbers[32 * row..32 * (row + 1)]).expect("finite");
        row.mark(0, 1)
    }

    async fn trader(&self, n: u8, dollars: u64) -> House {
        let house = House::new(&self.provider.client().with_signer(key(n)), self.at.clone());
        house.fund(ether(dollars)).await.expect("a deposit");
        house
    }

    /// `left` buys lots of one instrument from `right` at the mark.
    async fn trade(&self, (left, right): (&House, &House), id: u32, lots: i64) -> Mined {
        let price = I256::try_from(i128::from(lots) * self.mark(id as usize)).expect("small");
        let order = |house: &House, sign: i64| PackageOrder {
            trader: house.client().address(),
            instruments: vec![id],
            lots: vec![sign * lots],
            price: if sign > 0 { price } else { -price },
            count: 1,
            expiry: GENESIS + 86_400,
            salt: U256::from(id),
        };
        let (left, right) = (left.sign(order(left, 1)), right.sign(order(right, -1)));
        let deal = Deal { left, right, count: 1, price };
        self.provider.trade(deal, &self.readings()).await.expect("they meet")
    }
}

fn name(refused: &Result<Mined, ClientError>) -> Option<&str> {
    refused.as_ref().err().and_then(ClientError::reverted_with)
}

#[tokio::test]
async fn an_option_and_a_perpetual_are_traded_and_an_account_is_liquidated() {
    let mut desk = Desk::open().await;
    let alice = desk.trader(1, 120).await;
    let bob = desk.trader(2, 1_000).await;
    let carol = desk.trader(3, 1_000).await;
    let who = alice.client().address();
    desk.trade((&alice, &bob), 0, 10_000_000).await;
    desk.trade((&bob, &alice), 1, 5_000_000).await;
    let shown = alice.account(who).await.expect("a view");
    let lots: Vec<_> = shown.legs.iter().map(|leg| (leg.instrument, leg.lots)).collect();
    assert_eq!(lots, [(0, 10_000_000), (1, -5_000_000)]);

    // What the contract asks is what the integers of the crate `market` ask, to the wei.
    let readings = desk.readings();
    let standing = alice.standing(who, &readings).await.expect("a view");
    let numbers = desk.output.as_f64().expect("f64").to_vec();
    let [one, two] = [0, 1].map(|i| ledger::Row::read(&numbers[32 * i..][..32]).expect("finite"));
    let charges =
        ledger::Charges { net: 20_000, hedged: 10_000, short: 10_000, maintenance: 500_000 };
    let legs = [(&one, 10_000_000, false), (&two, -5_000_000, true)];
    let market = ledger::Market {
        index: 50_000_000_000_000,
        depth: DEPTH,
        interest: 15_000_000,
        thin: 20_000,
        crowd: 50_000,
    };
    let asked = ledger::margin(&legs, charges, market);
    assert_eq!(standing.initial, U256::from(asked.initial));
    assert_eq!(standing.maintenance, U256::from(asked.maintenance));
    assert_eq!(standing.opening, U256::from(asked.opening));
    assert_eq!(standing.equity, I256::try_from(ether(120)).expect("small"), "both at the mark");
    let refused = carol.run_auction(who, &readings).await;
    assert_eq!(name(&refused), Some("Healthy"));

    desk.see(41).await;
    let fallen = alice.standing(who, &readings).await.expect("a view");
    assert!(fallen.equity < I256::try_from(fallen.maintenance).expect("small"));
    let refused = carol.bid(who, (ether(1), U256::ZERO), &readings).await;
    assert_eq!(name(&refused), Some("NoAuction"));
    carol.run_auction(who, &readings).await.expect("it is under maintenance");
    carol.bid(who, (ether(1), U256::ZERO), &readings).await.expect("it takes a share");
    let after = alice.standing(who, &readings).await.expect("a view");
    assert!(after.equity >= I256::try_from(after.initial).expect("small"), "the rest is covered");
    let taken = carol.account(carol.client().address()).await.expect("a view");
    let left = alice.account(who).await.expect("a view");
    assert!(left.legs.iter().zip(&taken.legs).all(|(a, b)| a.instrument == b.instrument));
    assert_eq!(left.legs[0].lots + taken.legs[0].lots, 10_000_000, "no lot is lost");
    let books = alice.books().await.expect("a view");
    assert_eq!(books.shortfall, 0);
    assert!(books.insurance > 0, "the penalty");
    let held = alice
        .client()
        .view(desk.at.base.dollar, DemoDollar::balanceOfCall { account: desk.at.house });
    let sum = U256::from(books.cash) + U256::from(books.pool) + U256::from(books.insurance);
    assert_eq!(held.await.expect("a view"), sum, "the house holds what its books say");
}

/// The same contracts in memory, without a chain: the plan says where they are, and errors are the
/// contracts' own.
#[test]
fn a_plan_holds_in_memory_too() {
    let mut local = Local::new(1, GENESIS);
    let owner = key(0).address();
    let (at, codes) = plan_clearing(owner, 0, &setup());
    let named = [at.base.court, at.base.feed, at.base.dollar, at.book, at.house];
    let mut made = Vec::new();
    for code in codes {
        made.push(local.create(owner, code).expect("it deploys"));
    }
    assert_eq!(made[4..], named);
    let desk = local.view(at.house, &PortfolioHouse::deskCall {}).expect("a view");
    assert_eq!(desk, at.desk);
    let call = PortfolioHouse::takeCall { amount: U256::from(1), readings: Vec::new() };
    let refused = local.send((owner, at.house), &call).expect_err("there is no profit");
    assert_eq!(refused.reverted_with(), Some("NoProfit"));
    local.pass_to(GENESIS + 120);
    assert_eq!(local.time_s(), GENESIS + 120);
    let amount = ether(5);
    let mint = DemoDollar::mintCall { account: owner, amount };
    local.send((owner, at.base.dollar), &mint).expect("play money");
    let call = PortfolioHouse::depositCall { amount };
    assert!(local.send((owner, at.house), &call).is_err(), "no allowance");
    let spender = at.house;
    local
        .send((owner, at.base.dollar), &DemoDollar::approveCall { spender, value: amount })
        .expect("an allowance");
    let done = local.send((owner, at.house), &call).expect("a deposit");
    assert!(done.gas > 21_000 && !done.logs.is_empty());
    let books = local.view(at.house, &PortfolioHouse::booksCall {}).expect("a view");
    assert_eq!(U256::from(books.cash), amount);
}
