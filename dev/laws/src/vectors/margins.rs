//! Portfolio margin of accounts from scenario arrays, in the integers of the contracts.
//!
//! A case is one line: the arrays of an account's legs as their bytes, the legs, and what is asked.
//! Most arrays are rows of the book's Program; the rest are any finite doubles, halves of the last
//! place and subnormals among them.
//!
//! *Invariant: every number that leaves 53 bits is a decimal string.*
//! Absent: proofs of the arrays (`tree_v1.json` has them); the root of each case is here.

use market::scenario::ledger::{self, Asked, Charges, Row, margin, secured};
use market::scenario::{Grid, Kind, Leg, Market, Width, book, book_inputs};
use serde_json::{Value, json};
use tensor::Tensor;

use super::json::{bytes, hex, list, text_of};
use crate::dice::Dice;

const PRICE: u32 = 60_000;
const TICKS: f64 = 1e12;
const ROWS: usize = 32;
const WIDTH: usize = 32;
const CHARGES: [Charges; 2] = [
    Charges { net: 20_000, hedged: 10_000, short: 0, maintenance: 500_000 },
    Charges { net: 20_000, hedged: 10_000, short: 10_000, maintenance: 666_667 },
];

pub(super) fn generate() -> Value {
    let mut dice = Dice::new(0x6d61_7267);
    let mut cases = Vec::new();
    for width in [Width::STATIC, Width { half: 0.047, up: 0.61, down: 0.31 }] {
        let legs = instruments(&mut dice);
        let rows = priced(&legs, width);
        for count in [1, 2, 5, 32] {
            for charges in CHARGES {
                cases.push(case(&mut dice, (&rows, &kinds(&legs), count), charges));
            }
        }
    }
    for count in [1, 3, 32] {
        let rows: Vec<Vec<f64>> = (0..ROWS).map(|_| any_row(&mut dice)).collect();
        let kinds: Vec<u8> = (0..ROWS).map(|_| dice.word().to_le_bytes()[0] % 3).collect();
        cases.push(case(&mut dice, (&rows, &kinds, count), CHARGES[1]));
    }
    let books = [Width::STATIC, Width { half: 0.31, up: 0.9, down: 0.3 }];
    let books: Vec<Value> = books.into_iter().map(|width| listed(&mut dice, width)).collect();
    json!({
        "about": "Scenarios.sol and market::scenario::ledger: margins of accounts from arrays; \
                  prices and marks in ticks of 10^-12, margins in 10^-18, lots of 10^-6",
        "version": 1,
        "books": books,
        "cases": cases,
    })
}

pub(super) fn check(file: &Value) {
    for case in list(&file["cases"]) {
        let rows: Vec<Row> = list(&case["rows"]).iter().map(|row| read(&bytes(row))).collect();
        let lots: Vec<i64> = list(&case["lots"]).iter().map(number).collect();
        let kinds = bytes(&case["kinds"]);
        let legs: Vec<_> = (0..rows.len()).map(|i| (&rows[i], lots[i], kinds[i] < 2)).collect();
        let [net, hedged, short, maintenance] = [0, 1, 2, 3].map(|i| number(&case["charges"][i]));
        let charges = Charges { net, hedged, short, maintenance };
        let [depth, interest] = [0, 1].map(|i| number(&case["sizes"][i]));
        let [thin, crowd] = [2, 3].map(|i| number(&case["sizes"][i]));
        let index = number(&case["index"]);
        let asked = margin(&legs, charges, ledger::Market { index, depth, interest, thin, crowd });
        let [initial, maintenance, opening] =
            ["initial", "maintenance", "opening"].map(|name| number(&case[name]));
        assert_eq!(asked, Asked { initial, maintenance, opening });
        let purse = (number(&case["purse"][0]), number(&case["purse"][1]));
        let [haircut, stress] = [2, 3].map(|i| number(&case["purse"][i]));
        assert_eq!(secured(purse, haircut, stress), number::<i128>(&case["secured"]));
        let (moved, step) = (number(&case["moved"]), number(&case["step"]));
        for (row, mark) in rows.iter().zip(list(&case["marks"])) {
            assert_eq!(row.mark(moved, step), number::<i128>(mark));
        }
    }
}

fn case(dice: &mut Dice, account: (&[Vec<f64>], &[u8], usize), charges: Charges) -> Value {
    let (rows, kinds, count) = account;
    let price = f64::from(PRICE) * TICKS;
    let share = f64::from(dice.word()) / f64::from(u32::MAX) - 0.5;
    let index = whole(price * (1.0 + 0.25 * share));
    let moved = index - whole(price);
    let step = whole(price * 0.1 / 3.0);
    let lots: Vec<i64> = (0..count).map(|_| some_lots(dice)).collect();
    let read: Vec<Row> =
        rows.iter().take(count).map(|row| Row::read(row).expect("rows are finite")).collect();
    let legs: Vec<_> = (0..count).map(|i| (&read[i], lots[i], kinds[i] < 2)).collect();
    let at = u64::try_from(index).expect("prices are positive");
    let gross: u64 = lots.iter().map(|lots| lots.unsigned_abs()).sum();
    let market = sizes(dice, at, gross);
    let Asked { initial, maintenance, opening } = margin(&legs, charges, market);
    let purse = (u128::from(dice.long()), -i128::from(dice.word()));
    let [haircut, stress] = [0, 1].map(|_| u32::try_from(dice.below(500_001)).expect("small"));
    let tensors: Vec<Tensor> = rows.iter().take(count).map(|row| tensor(row)).collect();
    let all = Tensor::f64(&[count, WIDTH], rows[..count].concat()).expect("rows of a width");
    let text = |x: &dyn ToString| x.to_string();
    json!({
        "charges": [charges.net, charges.hedged, charges.short, charges.maintenance],
        "index": text(&index),
        "moved": text(&moved),
        "step": text(&step),
        "kinds": hex(&kinds[..count]),
        "lots": lots.iter().map(|lots| lots.to_string()).collect::<Vec<_>>(),
        "rows": tensors.iter().map(|row| hex(&row.to_bytes())).collect::<Vec<_>>(),
        "root": text(&all.root()),
        "marks": read.iter().map(|row| row.mark(moved, step).to_string()).collect::<Vec<_>>(),
        "sizes": [text(&market.depth), text(&market.interest), text(&market.thin),
            text(&market.crowd)],
        "initial": text(&initial),
        "maintenance": text(&maintenance),
        "opening": text(&opening),
        "purse": [text(&purse.0), text(&purse.1), text(&haircut), text(&stress)],
        "secured": text(&secured(purse, haircut, stress)),
    })
}

/// A market as deep as an account is large, much deeper, or much less deep.
fn sizes(dice: &mut Dice, index: u64, gross: u64) -> ledger::Market {
    let scale = *dice.pick(&[1, 7, 1_000]);
    let depth = if dice.one_in(2) { gross.div_ceil(scale) } else { gross * scale };
    let interest = gross + u64::from(dice.word()) * u64::from(dice.word() % 3);
    let [thin, crowd] = [*dice.pick(&[0, 20_000, 99_991]), *dice.pick(&[0, 50_000, 1_000_000])];
    ledger::Market { index, depth, interest, thin, crowd }
}

/// A book's terms and data as a contract has them, and the roots of its claim.
fn listed(dice: &mut Dice, width: Width) -> Value {
    let (time, price) = (1_699_999_980.0, f64::from(PRICE));
    let legs = instruments(dice);
    let expiry = |leg: &Leg| match leg.kind {
        Kind::Perpetual => 0.0,
        Kind::Put | Kind::Call => time + 60.0 * (32.0 + (leg.years * 525_600.0).round()),
    };
    let expiries: Vec<f64> = legs.iter().map(expiry).collect();
    let market = Market { time, price, width, band: 0.1 };
    let inputs = book_inputs(&legs, &expiries, market).expect("there are legs");
    let program = book(legs.len(), &Grid::published()).expect("there are rows");
    let out = tensor::eval(&program, &inputs).expect("the inputs fit");
    let roots: Vec<tensor::Hash> = inputs.iter().map(Tensor::root).collect();
    let strikes = inputs[0].as_f64().expect("f64");
    json!({
        "time": time.to_string(),
        "kinds": hex(&kinds(&legs)),
        "strikes": strikes.iter().map(|x| x.to_bits().to_string()).collect::<Vec<_>>(),
        "expiries": expiries.iter().map(|x| x.to_string()).collect::<Vec<_>>(),
        "head": hex(&inputs[3].to_bytes()),
        "forwards": hex(&inputs[4].to_bytes()),
        "volatilities": hex(&inputs[5].to_bytes()),
        "inputs_root": tensor::tree::root(&roots).to_string(),
        "outputs_root": out[0].root().to_string(),
    })
}

/// Puts, calls and perpetuals of a book, some of them about to expire.
fn instruments(dice: &mut Dice) -> Vec<Leg> {
    let price = f64::from(PRICE);
    let leg = |i: usize| {
        let kind = *dice.pick(&[Kind::Put, Kind::Call, Kind::Call, Kind::Perpetual]);
        let strike = price * (0.6 + 0.05 * f64::from(u32::try_from(i % 17).expect("small")));
        let years = *dice.pick(&[0.0, 0.001, 1.0 / 365.0, 0.02, 0.083, 0.25, 1.0]);
        let volatility = 0.3 + f64::from(dice.word() % 100) / 100.0;
        let forward = price * (1.0 + 0.08 * years);
        Leg { kind, position: 0.0, forward, strike: strike.round(), volatility, years }
    };
    (0..ROWS).map(leg).collect()
}

fn kinds(legs: &[Leg]) -> Vec<u8> {
    let kind = |leg: &Leg| match leg.kind {
        Kind::Put => 0,
        Kind::Call => 1,
        Kind::Perpetual => 2,
    };
    legs.iter().map(kind).collect()
}

fn priced(legs: &[Leg], width: Width) -> Vec<Vec<f64>> {
    let (time, price) = (1_700_000_000.0, f64::from(PRICE));
    let market = Market { time, price, width, band: 0.1 };
    let expiry = |leg: &Leg| time + (leg.years * 31_536_000.0).round();
    let expiries: Vec<f64> = legs.iter().map(expiry).collect();
    let program = book(legs.len(), &Grid::published()).expect("there are rows");
    let inputs = book_inputs(legs, &expiries, market).expect("there are legs");
    let out = tensor::eval(&program, &inputs).expect("the inputs fit");
    out[0].as_f64().expect("f64").chunks(WIDTH).map(<[f64]>::to_vec).collect()
}

/// Doubles whose ticks are cut at any place.
fn any_row(dice: &mut Dice) -> Vec<f64> {
    let special = [0.0, -0.0, 5e-13, -5e-13, 1e-12, -1e-12, 5e-324, -5e-324, 1.5, -2.5e-12];
    let mut row: Vec<f64> = (0..WIDTH)
        .map(|_| {
            if dice.one_in(5) {
                return *dice.pick(&special);
            }
            let exponent = 940 + u64::from(dice.word() % 110);
            f64::from_bits((dice.long() & (1 << 63 | ((1 << 52) - 1))) | exponent << 52)
        })
        .collect();
    row[WIDTH - 1] = f64::from(dice.word()) / f64::from(u32::MAX) * 2.0 - 1.0;
    row
}

/// Up to ten thousand units, whole ones and single lots among them.
fn some_lots(dice: &mut Dice) -> i64 {
    let size = match dice.below(3) {
        0 => i64::from(dice.word() % 1000) + 1,
        1 => (i64::from(dice.word() % 1000) + 1) * 1_000_000,
        _ => i64::from(dice.word()) + 1,
    };
    if dice.one_in(2) { -size } else { size }
}

fn tensor(row: &[f64]) -> Tensor {
    Tensor::f64(&[WIDTH], row.to_vec()).expect("a row")
}

fn read(bytes: &[u8]) -> Row {
    let double = |eight: &[u8]| f64::from_le_bytes(eight.try_into().expect("eight bytes"));
    let row: Vec<f64> = bytes.chunks(8).map(double).collect();
    Row::read(&row).expect("rows are finite")
}

#[expect(clippy::cast_possible_truncation, reason = "prices are below 2^63 ticks")]
fn whole(x: f64) -> i128 {
    x as i128
}

fn number<T: std::str::FromStr>(value: &Value) -> T
where
    T::Err: std::fmt::Debug,
{
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.parse().unwrap_or_else(|error| panic!("{}: {error:?}", text_of(value)))
}
