//! What a node asks for, look by look.

use court::{Address, Claim, State, opening};
use tensor::Hash;

use super::{Computed, Input, Output, Scorer, View};
use crate::chain::Block;
use crate::ledger::{Past, Player};
use crate::machine::Retry;

const KEY: Address = Address([1; 20]);
const RETRY: Retry = Retry { tx_blocks: 3, offer_blocks: 2, fetch_blocks: 2 };
/// Windows of round 4 are taken up to block 106; a claim can be challenged for six blocks.
const OPEN: Block = 100;

fn scorer() -> Scorer {
    Scorer::new((6, 6), RETRY, KEY)
}

fn player(index: u32, window: Hash) -> Player {
    Player { index, rows: 1, stake_gwei: 1, window }
}

fn past(windows: [Hash; 3]) -> Past {
    Past {
        place: 0,
        rows: 3,
        waiting: 0,
        attempt: 0,
        open_block: OPEN,
        full_block: 0,
        budget_gwei: 0,
        aggregation: 1,
        claim: 0,
        fallen: 0,
        seed: Hash::ZERO,
        players: [2, 5, 9].into_iter().zip(windows).map(|(i, w)| player(i, w)).collect(),
    }
}

/// Node 5 is the one under test.
fn view(poster: Option<(u32, bool)>) -> View {
    View {
        own: Some(5),
        waiting: vec![(4, past([Hash([1; 32]); 3]))],
        poster,
        claim: None,
        challenged: false,
        actives: vec![2, 5, 9],
    }
}

fn score(first: u8) -> Computed {
    let output_roots = (first..first + 7).map(|byte| Hash([byte; 32])).collect();
    Computed { inputs_root: Hash([7; 32]), output_roots }
}

fn root(first: u8) -> Hash {
    opening::list_root(&score(first).output_roots)
}

/// As `view`, with a claim of these outputs that can be challenged up to block 116.
fn claimed(asserter: Address, first: u8) -> View {
    let mut view = view(Some((2, false)));
    view.waiting[0].1.claim = 3;
    view.claim = Some(Claim {
        program: Hash([12; 32]),
        inputs_root: Hash([7; 32]),
        outputs_root: root(first),
        asserter,
        consumer: Address([3; 20]),
        bond_wei: 10,
        deadline: 116,
        iterations: 1,
        depth: 0,
        disputes: 0,
        state: State::Open,
        parents: vec![],
        convictor: None,
        fell_block: 0,
        drawn_wei: 0,
        owed_wei: 0,
        reserve_wei: 0,
    });
    view
}

fn look(scorer: &mut Scorer, now: Block, view: &View) -> Vec<Output> {
    scorer.handle(now, Input::Chain(Box::new(view.clone())))
}

/// One that has computed what a view asks for.
fn ready(now: Block, view: &View) -> (Scorer, Vec<Output>) {
    let mut scorer = scorer();
    let claim = view.waiting[0].1.claim;
    assert_eq!(look(&mut scorer, now, view), [Output::Compute { round: 4, claim }]);
    let outputs = scorer.handle(now, Input::Computed { round: 4, claim, score: score(20) });
    (scorer, outputs)
}

#[test]
fn windows_are_posted_while_they_are_taken() {
    let mut open = view(None);
    open.waiting[0].1 = past([Hash::ZERO; 3]);
    open.waiting.push((6, past([Hash::ZERO; 3])));
    let (first, second) = (Output::PostWindow { round: 4 }, Output::PostWindow { round: 6 });
    let mut node = scorer();
    assert_eq!(look(&mut node, 101, &open), [first.clone(), second.clone()]);
    assert_eq!(look(&mut node, 103, &open), [], "they are on their way");
    assert_eq!(look(&mut node, 104, &open), [first, second.clone()]);
    open.waiting[0].1.players[1].window = Hash([4; 32]);
    assert_eq!(look(&mut scorer(), 106, &open), [second]);
    assert_eq!(look(&mut scorer(), 107, &open), [], "too late");
    open.own = Some(7);
    assert_eq!(look(&mut scorer(), 101, &open), [], "it had no rows");
}

#[test]
fn nothing_is_computed_while_windows_are_taken() {
    assert_eq!(look(&mut scorer(), 101, &view(None)), []);
    let mut empty = view(Some((5, false)));
    empty.waiting.clear();
    assert_eq!(look(&mut scorer(), 101, &empty), []);
}

#[test]
fn a_turn_is_taken_and_what_was_claimed_is_computed_anew() {
    let other = view(Some((2, false)));
    assert_eq!(ready(107, &other).1, [], "it is another's turn");
    let own = view(Some((5, false)));
    let (mut node, posted) = ready(107, &own);
    let (inputs_root, outputs_root) = (Hash([7; 32]), root(20));
    let post = Output::PostScore { round: 4, inputs_root, outputs_root };
    assert_eq!(posted, std::slice::from_ref(&post));
    assert_eq!(look(&mut node, 108, &own), []);
    let compute = Output::Compute { round: 4, claim: 0 };
    assert_eq!(look(&mut node, 109, &own), [compute], "money may have come in");
    let computed = || Input::Computed { round: 4, claim: 0, score: score(20) };
    assert_eq!(node.handle(109, computed()), [], "it is on its way");
    assert_eq!(look(&mut node, 110, &own), std::slice::from_ref(&post), "asked again");
    let mut struck = own;
    struck.waiting[0].1.attempt = 1;
    assert_eq!(look(&mut node, 111, &struck), [Output::Compute { round: 4, claim: 0 }]);
    assert_eq!(node.handle(111, computed()), [post], "a new attempt is a new purpose");
}

#[test]
fn where_any_node_may_claim_one_does_at_a_time() {
    let free = view(Some((2, true)));
    let posts = |now: Block| !ready(now, &free).1.is_empty();
    let turns: Vec<bool> = (108..117).map(posts).collect();
    assert_eq!(turns, [false, false, false, true, true, true, false, false, false]);
    let mut stranger = free.clone();
    stranger.own = None;
    assert!((108..117).all(|now| ready(now, &stranger).1.is_empty()));
}

#[test]
fn what_differs_is_challenged_once_and_never_settled() {
    let liar = claimed(Address([9; 20]), 99);
    let (mut node, first) = ready(110, &liar);
    assert_eq!(first, [], "others stand before it");
    let challenge = Output::Challenge { claim: 3, outputs_root: root(20) };
    let asked: Vec<Block> =
        (111..130).filter(|now| look(&mut node, *now, &liar).contains(&challenge)).collect();
    assert_eq!(asked, [112, 115], "after its turn, again after three blocks, not after block 116");
    let mut disputed = liar.clone();
    disputed.challenged = true;
    assert_eq!(look(&mut ready(110, &liar).0, 112, &disputed), []);
    let own = claimed(KEY, 99);
    assert_eq!(look(&mut ready(110, &own).0, 112, &own), [], "the court would refuse it");
}

#[test]
fn without_rows_it_challenges_only_what_few_dispute() {
    for (disputes, expected) in [(0, true), (1, true), (2, false)] {
        let mut liar = claimed(Address([9; 20]), 99);
        liar.own = Some(7);
        if let Some(claim) = &mut liar.claim {
            (claim.state, claim.disputes) = (State::Disputed, disputes);
        }
        let (mut node, _) = ready(110, &liar);
        let outputs = look(&mut node, 114, &liar);
        assert_eq!(!outputs.is_empty(), expected, "{disputes} disputes, three rows");
    }
}

#[test]
fn what_agrees_is_settled_in_turn_unless_it_is_disputed() {
    let mut agreed = claimed(Address([9; 20]), 20);
    let settle = Output::Settle { round: 4, output_roots: score(20).output_roots };
    let first = |view: &View| {
        let (mut node, _) = ready(110, view);
        (111..140).find(|now| look(&mut node, *now, view).contains(&settle))
    };
    // Claim 3 starts the turns at the first of the three.
    assert_eq!(first(&agreed), Some(119));
    assert_eq!(first(&claimed(KEY, 20)), Some(117));
    if let Some(claim) = &mut agreed.claim {
        claim.state = State::Disputed;
    }
    assert_eq!(first(&agreed), None);
}

#[test]
fn a_claim_about_other_inputs_is_computed_again() {
    let mut other = claimed(Address([9; 20]), 20);
    if let Some(claim) = &mut other.claim {
        claim.inputs_root = Hash([8; 32]);
    }
    let (mut node, first) = ready(110, &other);
    assert_eq!(first, []);
    assert_eq!(look(&mut node, 111, &other), []);
    assert_eq!(look(&mut node, 112, &other), [Output::Compute { round: 4, claim: 3 }]);
}
