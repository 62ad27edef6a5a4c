//! Scores by hand: a round from its settlement to pay and burn, every refusal, and the money.

use court::header::Header;
use court::{Address, opening};
use tensor::{Hash, tree};

use super::super::tests::{commit, config, joined_with, key, play, reveal, with_data};
use super::super::{Event, Input, Ledger, Refusal};
use super::{Player, window_root};
use crate::chain::{Block, Config, ScoreTerms, WEI_PER_GWEI, WEI_PER_TOKEN};

const WINDOW: usize = 24;
const BUDGET_GWEI: u64 = 1_000;

fn header(rows: u8) -> Vec<u8> {
    let numbers = [1_u32, 7, 0, 0, 0, 0, 0, 0, 0, u32::from(rows)];
    let mut header: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    header.extend([100 + rows; 32]);
    header
}

fn terms() -> ScoreTerms {
    ScoreTerms {
        contract: Address([0xee; 20]),
        programs: (3..=6).map(|rows| Header::program(&header(rows))).collect(),
        models: 2,
        window_bytes: WINDOW,
        lag: 1,
        window_blocks: 6,
        turn_blocks: 3,
        budget_gwei: BUDGET_GWEI,
    }
}

fn scored_config() -> Config {
    Config { budget_gwei: 0, scores: Some(terms()), ..config() }
}

/// The roots of a round's aggregation, and what is claimed of it.
struct Settled {
    inputs: Vec<Hash>,
    outputs: Vec<Hash>,
}

/// A round from block `at` on that all three nodes play, settled in block `at + 9`; node 0 has one
/// row, node 1 two, node 2 three.
fn settle(ledger: &mut Ledger, round: u64, at: Block) -> Settled {
    let mut calls = vec![(at, 0, Input::Open)];
    calls.extend((0..3).map(|node| (at + 1, node, commit(round, node))));
    calls.push((at + 2, 0, reveal(round, 0, &[1, 2])));
    calls.extend([(at + 2, 1, with_data(round, 1)), (at + 3, 2, with_data(round, 2))]);
    play(ledger, calls);
    let seats: Vec<_> = ledger.round(at + 4).rows().copied().collect();
    let members = seats.iter().map(|seat| seat.index.cast_signed()).collect();
    let mut inputs = vec![
        ledger.round(at + 4).model_root,
        config().initial_cumulative,
        super::of_gwei(&[0]),
        super::of_i32(members),
    ];
    inputs.extend(seats.iter().map(|seat| seat.update_root));
    assert_eq!(tree::root(&inputs), ledger.inputs_root());
    let accepted_chunk = vec![1; 128];
    let model = Hash::of(&[b"model", &round.to_be_bytes()]);
    let outputs =
        vec![model, tree::leaf(&accepted_chunk), Hash([6; 32]), config().initial_cumulative];
    let elected = ledger.aggregator(at + 4).expect("the seed is there");
    let outputs_root = opening::list_root(&outputs);
    let settle = Input::Settle { round, output_roots: outputs.clone(), accepted_chunk };
    let post = Input::PostResult { round, outputs_root };
    play(ledger, vec![(at + 4, elected, post), (at + 9, 0, settle)]);
    Settled { inputs, outputs }
}

/// Two settled rounds, in blocks 19 and 29: the first one's window is open from then on.
fn two_rounds() -> (Ledger, Settled) {
    let mut ledger = joined_with(scored_config());
    let first = settle(&mut ledger, 1, 10);
    settle(&mut ledger, 2, 20);
    (ledger, first)
}

fn window(node: u32) -> Vec<u8> {
    vec![u8::try_from(node + 1).expect("few nodes"); WINDOW]
}

fn post_window(round: u64, node: u32) -> Input {
    Input::PostWindow { round, data: window(node) }
}

fn doubles(numbers: &[f64]) -> Vec<u8> {
    let mut chunk: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    chunk.resize(256, 0);
    chunk
}

/// Outputs that pay and burn so much by row.
fn score(pay: &[f64], burn: &[f64]) -> (Vec<Hash>, Vec<u8>, Vec<u8>) {
    let (burn_chunk, pay_chunk) = (doubles(burn), doubles(pay));
    let mut roots: Vec<Hash> = (0..7).map(|output| Hash([80 + output; 32])).collect();
    (roots[2], roots[3]) = (tree::leaf(&burn_chunk), tree::leaf(&pay_chunk));
    (roots, burn_chunk, pay_chunk)
}

fn post_score(ledger: &Ledger, now: Block, round: &Settled, outputs_root: Hash) -> Input {
    let number = ledger.next_score().expect("a round waits");
    let (inputs, outputs) = (round.inputs.clone(), round.outputs.clone());
    let ground = ledger.ground(now, number, (&inputs, &outputs)).expect("it is shut");
    Input::PostScore {
        round: number,
        inputs,
        outputs,
        inputs_root: ground.inputs_root,
        outputs_root,
    }
}

fn settle_score(
    round: u64,
    (output_roots, burn_chunk, pay_chunk): (Vec<Hash>, Vec<u8>, Vec<u8>),
) -> Input {
    Input::SettleScore { round, output_roots, burn_chunk, pay_chunk }
}

#[test]
fn a_round_from_settled_to_scored() {
    let (mut ledger, first) = two_rounds();
    let total = ledger.total_wei();
    assert_eq!(ledger.rewards_root(), Hash::ZERO, "what rounds say of pay is not paid");
    let past = ledger.past(1).expect("it waits");
    let token_gwei = u64::try_from(WEI_PER_TOKEN / WEI_PER_GWEI).expect("small");
    let player =
        |index: u32| Player { index, rows: index + 1, stake_gwei: token_gwei, window: Hash::ZERO };
    assert_eq!(past.players, vec![player(0), player(1), player(2)]);
    assert_eq!((past.open_block, past.waiting, ledger.next_score()), (29, 6, Some(1)));

    let calls = (0..3).map(|node| (30, node, post_window(1, node))).collect();
    let events = play(&mut ledger, calls);
    let posted = Event::WindowPosted { round: 1, node: 2, root: window_root(&window(2)) };
    assert_eq!(events.last(), Some(&posted));
    let (elected, free) = ledger.poster(30).expect("all windows are in");
    assert!(!free);
    let made = score(&[0.0, 9.0, 9.0, 0.0, 0.0, 0.0], &[7.0, 0.0, 0.0, 1.0, 2.0, 3.0]);
    let post = post_score(&ledger, 31, &first, tree::root(&made.0));
    let settle = settle_score(1, made.clone());
    play(&mut ledger, vec![(31, elected, post)]);
    let early = ledger.handle(35, key(0), settle.clone());
    assert_eq!(early, Err(Refusal::ClaimNotFinal { claim: 3 }));
    let events = play(&mut ledger, vec![(36, 0, settle.clone())]);
    let burnt_gwei = vec![(0, 7), (1, 0), (2, 6)];
    let scored = Event::Scored { round: 1, claim: 3, cumulative_root: made.0[1], burnt_gwei };
    assert!(events.contains(&scored));
    assert_eq!(ledger.rewards_root(), made.0[1]);
    assert_eq!(ledger.scored(), Some((made.0[1], 1, 18 * WEI_PER_GWEI)));
    let stake = |node: u32| ledger.node(node).expect("it joined").stake_wei;
    assert_eq!(stake(0), WEI_PER_TOKEN - 7 * WEI_PER_GWEI);
    assert_eq!(stake(2), 3 * WEI_PER_TOKEN - 6 * WEI_PER_GWEI);
    assert_eq!((ledger.burnt_wei(), ledger.total_wei()), (13 * WEI_PER_GWEI, total));
    assert_eq!(ledger.handle(36, key(0), settle), Err(Refusal::NotWaiting { round: 1 }));
    assert_eq!(ledger.next_score(), Some(2));
}

#[test]
fn windows_are_refused() {
    let (mut ledger, _) = two_rounds();
    let mut refused = |now, node, input| ledger.handle(now, key(node), input).expect_err("refused");
    assert_eq!(refused(30, 0, post_window(3, 0)), Refusal::NotWaiting { round: 3 });
    assert_eq!(refused(30, 0, post_window(2, 0)), Refusal::WindowShut { round: 2 });
    let short = Input::PostWindow { round: 1, data: vec![0; 23] };
    assert_eq!(refused(30, 0, short), Refusal::WindowLength { got: 23, expected: 24 });
    assert_eq!(refused(30, 3, post_window(1, 0)), Refusal::NoRows { key: key(3) });
    assert_eq!(refused(36, 0, post_window(1, 0)), Refusal::WindowShut { round: 1 });
    let calls = vec![(35, 0, post_window(1, 0)), (35, 1, post_window(1, 1))];
    let (mut ledger, _) = two_rounds();
    play(&mut ledger, calls);
    let again = ledger.handle(35, key(0), post_window(1, 0));
    assert_eq!(again, Err(Refusal::AlreadyPosted { node: 0 }));
    assert_eq!(ledger.poster(35), Err(Refusal::ScoreWindowOpen { round: 1 }));
    assert!(ledger.poster(36).is_ok(), "its last block is over");
}

#[test]
fn turns_pass_and_come_to_everybody() {
    let (mut ledger, first) = two_rounds();
    let calls = (0..3).map(|node| (30, node, post_window(1, node))).collect();
    play(&mut ledger, calls);
    let seed = ledger.past(1).expect("it waits").seed;
    let at_turn = |turn| [0, 1, 1, 2, 2, 2][crate::digest::elected_row(seed, turn, 6)];
    for late in 0..8 {
        let expected = (at_turn(late), late >= 6);
        assert_eq!(ledger.poster(30 + 3 * late + 2), Ok(expected));
    }
    let other = (at_turn(0) + 1) % 3;
    let post = post_score(&ledger, 31, &first, Hash([9; 32]));
    let refused = ledger.handle(31, key(other), post.clone());
    assert_eq!(refused, Err(Refusal::NotYourTurn { expected: at_turn(0), got: other }));
    assert_eq!(ledger.handle(48, key(7), post.clone()), Err(Refusal::NoRows { key: key(7) }));
    play(&mut ledger, vec![(48, other, post.clone())]);
    let again = ledger.handle(48, key(other), post);
    assert_eq!(again, Err(Refusal::ClaimPending { claim: 3 }));
}

#[test]
fn a_score_that_fell_is_the_next_ones_to_post() {
    let (mut ledger, first) = two_rounds();
    let total = ledger.total_wei();
    let calls = (0..3).map(|node| (30, node, post_window(1, node))).collect();
    play(&mut ledger, calls);
    let (elected, _) = ledger.poster(31).expect("all windows are in");
    let wrong = post_score(&ledger, 31, &first, Hash([9; 32]));
    let other = (elected + 1) % 3;
    let header = header(6);
    let challenge = court::Input::Challenge { id: 3, outputs_root: Hash([8; 32]), header };
    play(&mut ledger, vec![(31, elected, wrong.clone()), (32, other, Input::Court(challenge))]);
    let record = ledger.court().dispute(1).expect("it has not ended").clone();
    let timeout = court::Input::Timeout { dispute: 1, record: Box::new(record) };
    play(&mut ledger, vec![(36, other, Input::Court(timeout))]);
    let past = ledger.past(1).expect("it waits");
    assert_eq!((past.claim, past.fallen, past.attempt), (0, 3, 1));
    let at_turn = |turn| [0, 1, 1, 2, 2, 2][crate::digest::elected_row(past.seed, turn, 6)];
    assert_eq!(ledger.poster(36), Ok((at_turn(1), false)));
    assert_eq!(ledger.poster(39), Ok((at_turn(2), false)));
    let events = play(&mut ledger, vec![(36, at_turn(1), wrong)]);
    assert_eq!(events.first(), Some(&Event::ScoreStruck { round: 1, claim: 3, attempt: 1 }));
    assert_eq!(ledger.total_wei(), total);
}

#[test]
fn without_pay_nothing_is_burnt_and_rounds_with_a_budget_wait() {
    let rich = Config { budget_gwei: BUDGET_GWEI, ..scored_config() };
    let mut ledger = joined_with(rich);
    // Ten rounds are paid for.
    assert!(ledger.view(10, key(0)).openable);
    let settled = settle_with(&mut ledger, 1);
    let budgets = |count: u128| count * u128::from(BUDGET_GWEI) * WEI_PER_GWEI;
    assert_eq!(ledger.available_wei(), budgets(10));
    ledger.funded_wei = budgets(2) - 1;
    assert!(!ledger.view(20, key(0)).openable, "one waits, and the next one is not paid for");
    ledger.funded_wei = budgets(1) - 1;
    ledger.config.budget_gwei = 0;
    settle(&mut ledger, 2, 20);
    let (elected, _) = ledger.poster(36).expect("the window is over");
    let made = score(&[0.0; 6], &[5.0; 6]);
    let post = post_score(&ledger, 36, &settled, tree::root(&made.0));
    play(&mut ledger, vec![(36, elected, post)]);
    play(&mut ledger, vec![(41, 0, settle_score(1, made))]);
    assert_eq!(ledger.burnt_wei(), 0);
}

/// As `settle`, of a ledger whose rounds have a budget of their own.
fn settle_with(ledger: &mut Ledger, round: u64) -> Settled {
    ledger.config.budget_gwei = 0;
    let settled = settle(ledger, round, 10);
    ledger.config.budget_gwei = BUDGET_GWEI;
    settled
}

#[test]
fn stakes_that_may_be_gone_neither_win_nor_lose() {
    let late = Config { unbond_blocks: 60, ..scored_config() };
    let mut ledger = joined_with(late);
    settle(&mut ledger, 1, 10);
    play(&mut ledger, vec![(19, 1, Input::Leave)]);
    let mut calls = vec![(45, 0, Input::Open)];
    calls.extend([(46, 0, commit(2, 0)), (46, 2, commit(2, 2))]);
    calls.extend([(51, 0, with_data(2, 0)), (51, 2, with_data(2, 2))]);
    play(&mut ledger, calls);
    let elected = ledger.aggregator(53).expect("the seed is there");
    let roots = vec![Hash([5; 32]), tree::leaf(&[1; 128]), Hash([6; 32]), Hash([7; 32])];
    let outputs_root = opening::list_root(&roots);
    let post = Input::PostResult { round: 2, outputs_root };
    let settle = Input::Settle { round: 2, output_roots: roots, accepted_chunk: vec![1; 128] };
    play(&mut ledger, vec![(53, elected, post), (58, 0, settle)]);
    let past = ledger.past(1).expect("it waits");
    let stakes: Vec<bool> = past.players.iter().map(|player| player.stake_gwei > 0).collect();
    assert_eq!(stakes, [true, false, true]);
}

#[test]
fn terms_that_cannot_be() {
    let refused = |terms: ScoreTerms| {
        let config = Config { scores: Some(terms), ..scored_config() };
        Ledger::new(config, &[]).expect_err("the contract refuses them")
    };
    let fields = [
        ("programs", ScoreTerms { programs: vec![], ..terms() }),
        ("programs", ScoreTerms { programs: vec![Hash::ZERO; 31], ..terms() }),
        ("models", ScoreTerms { models: 0, ..terms() }),
        ("windowLength", ScoreTerms { window_bytes: 12, ..terms() }),
        ("windowLength", ScoreTerms { window_bytes: 16_392, ..terms() }),
        ("lag", ScoreTerms { lag: 0, ..terms() }),
        ("windowBlocks", ScoreTerms { window_blocks: 0, ..terms() }),
        ("turnBlocks", ScoreTerms { turn_blocks: (1 << 32) + 1, ..terms() }),
        ("budgetGwei", ScoreTerms { budget_gwei: (1 << 46) + 1, ..terms() }),
        ("unbondBlocks", ScoreTerms { window_blocks: 72, ..terms() }),
    ];
    for (field, terms) in fields {
        assert_eq!(refused(terms), Refusal::BadTerms { field });
    }
    let most = ScoreTerms { window_blocks: 71, ..terms() };
    assert!(Ledger::new(Config { scores: Some(most), ..scored_config() }, &[]).is_ok());
}
