//! Disputes as pages and as JSON: every state, every stage, and numbers that no honest chain has.

use super::{STEPS, get, read, site};
use crate::world::World;
use axum::http::StatusCode;
use explorer::view::{Compared, Dispute, Dtype, Scalar, Stage, Turn, View};
use serde_json::Value;

const RUNNING: u64 = 1;
const CONVICTED: u64 = 2;
const CLOSED: u64 = 3;

fn world() -> View {
    World::after(STEPS).view().clone()
}

/// Returns the page and the JSON of a dispute after a change to it.
async fn changed(id: u64, change: impl FnOnce(&mut Dispute)) -> (String, Value) {
    let mut view = world();
    let dispute = view.disputes.iter_mut().find(|one| one.id == id).expect("the world has it");
    change(dispute);
    let (site, _sender) = site(view);
    let (status, html) = read(&site, &format!("/disputes/{id}")).await;
    assert_eq!(status, StatusCode::OK);
    let (status, json) = read(&site, &format!("/api/disputes/{id}")).await;
    assert_eq!(status, StatusCode::OK);
    (html, serde_json::from_str(&json).expect("it is JSON"))
}

fn whats(story: &Value) -> Vec<&str> {
    let told = story["told"].as_array().expect("moves are a list");
    told.iter().map(|row| row["what"].as_str().expect("a sentence")).collect()
}

/// Cells of each kind on each level, from the top down: agreed, named, not looked at, open.
fn cells(html: &str) -> Vec<[usize; 4]> {
    let levels = html.split("<svg class=\"level\"").skip(1);
    let inside = levels.map(|level| level.split("</svg>").next().unwrap_or_default());
    let kinds = ["agreed", "named", "unseen", "open"];
    inside.map(|level| kinds.map(|kind| level.matches(&format!("\"{kind}\"")).count())).collect()
}

#[tokio::test]
async fn a_conviction_shows_its_walk_both_values_and_what_it_cost() {
    let (html, story) = changed(CONVICTED, |_| {}).await;
    let walk = [
        [0, 1, 2, 0],
        [1, 1, 11, 0],
        [9, 1, 6, 0],
        [12, 1, 3, 0],
        [4, 1, 3, 0],
        [15, 1, 16, 0],
        [6, 1, 9, 0],
        [13, 1, 2, 0],
        [30, 1, 1, 0],
    ];
    assert_eq!(cells(&html), walk);
    for words in [
        "Step 3,518 of the chain of element 143 of op 412",
        "%412 = scatter_add %398 %405 axis=0 : f64[256]",
        "<p class=\"number\">7.25</p><p><code>0x401d000000000000</code>",
        "<p class=\"number\">3.5</p><p><code>0x400c000000000000</code>",
        "2 of 64 bits differ",
        "trainer 3 was wrong, and lost its bond",
        "<strong>ops 400 to 415</strong><span class=\"of\"> of 3,104</span>",
    ] {
        assert!(html.contains(words), "the page lacks {words}");
    }
    assert_eq!(html.matches("<svg class=\"bits\"").count(), 2);
    assert_eq!((&story["state"], &story["to_move"]), (&"convicted".into(), &Value::Null));
    assert_eq!(story["judged"]["asserted"]["bits"], "0x401d000000000000");
    assert_eq!(story["judged"]["correct"]["value"], "3.5");
}

#[tokio::test]
async fn every_move_is_a_sentence_and_adds_up() {
    let (html, story) = changed(CONVICTED, |_| {}).await;
    let sentences = [
        "challenges the claim by stating another outputs root",
        "reveals 3 children of the outputs at height 1",
        "names output 0",
        "posts the root of the trace: 3,104 ops",
        "names ops 256 to 511",
        "reveals 16 children of the trace at height 2",
        "names ops 400 to 415",
        "reveals 16 children of the trace at height 1",
        "names op 412",
        "reveals 8 children of the tensor at height 1",
        "names elements 128 to 159",
        "reveals chunk 4 of the tensor: 32 elements",
        "names element 143, whose chain of steps comes next",
        "posts the root of the chain that made the element: 8,192 steps",
        "names steps 3,072 to 3,583",
        "reveals 16 children of the chain at height 1",
        "names steps 3,488 to 3,519",
        "reveals chunk 109 of the chain: 32 steps",
        "names step 3,518, which the contract executes",
    ];
    assert_eq!(whats(&story), sentences);
    let rows = story["told"].as_array().expect("moves are a list");
    let mut sums = [0, 0];
    for (number, row) in rows.iter().enumerate() {
        assert_eq!(row["by"], ["challenger", "asserter"][number % 2], "move {number}");
        sums[number % 2] += row["gas"].as_u64().expect("the fixture knows it");
        assert_eq!(row["running"], sums[number % 2], "move {number}");
    }
    let (_, story) = changed(CONVICTED, |dispute| dispute.moves[4].at.gas = None).await;
    assert!(story["told"][2]["running"].is_u64());
    assert_eq!(story["told"][6]["running"], Value::Null, "a sum with a gap is no sum");
    assert!(html.contains(&explorer::format::count(sums[0])), "the total is not on the page");
}

#[tokio::test]
async fn an_undecided_dispute_says_whose_turn_it_is_and_until_when() {
    let (html, story) = changed(RUNNING, |_| {}).await;
    assert_eq!((&story["state"], &story["to_move"]), (&"undecided".into(), &"asserter".into()));
    assert!(html.contains("It is the asserter’s turn: 0x"));
    assert!(html.contains("is to reveal the children of a node of the iterations."));
    let view = world();
    let dispute = view.dispute(RUNNING).expect("the world has it");
    let last = dispute.moves.last().expect("the challenge is one");
    let until = explorer::format::count(last.at.block + dispute.asserter.blocks_left);
    assert!(html.contains(&format!("the asserter loses after block {until}")));
    assert_eq!(cells(&html), [[3, 1, 3, 0], [0, 0, 0, 0]], "the due move has a place");
    assert!(html.contains("class=\"due\"") && html.contains("not decided yet"));
    let whole = World::after(12 * crate::world::SCRIPT).view().clone();
    let (site, _sender) = site(whole);
    let (_, html) = read(&site, "/disputes/1").await;
    assert!(html.contains("trainer 2 is to name the first child that is wrong."));
    assert_eq!(cells(&html).last(), Some(&[0, 0, 0, 16]), "nobody named one of the ops");
    assert!(html.contains("<strong>iteration 53</strong>"));
}

#[tokio::test]
async fn the_other_ends_are_told_as_what_they_are() {
    let (html, story) = changed(CLOSED, |_| {}).await;
    assert_eq!(story["state"], "closed");
    assert!(html.contains("trainer 2 has its bond back") && html.contains("nobody here"));
    assert_eq!(whats(&story).last(), Some(&"closed without fault: the claim had fallen"));

    let (html, story) = changed(CONVICTED, |dispute| {
        dispute.judged = None;
        dispute.decided.as_mut().expect("it is decided").by_clock = true;
    })
    .await;
    assert!(html.contains("trainer 3 ran out of time and lost its bond."));
    assert!(html.contains("No step was executed"));
    assert_eq!(story["told"][18]["by"], Value::Null, "anybody may call a clock out");

    let (html, story) = changed(CONVICTED, |dispute| {
        let judged = dispute.judged.as_mut().expect("a step was executed");
        judged.asserted = judged.correct;
        dispute.decided.as_mut().expect("it is decided").asserter_lost = false;
    })
    .await;
    assert_eq!(story["state"], "acquitted");
    assert!(html.contains("trainer 3 was right, and trainer 1 lost its bond."));
    assert!(html.contains("all 64 bits agree"));

    let (html, story) = changed(CONVICTED, |dispute| {
        dispute.moves.truncate(8);
        (dispute.judged, dispute.op_text) = (None, None);
        let (asserted, correct) = (dispute.program, dispute.asserter.outputs_root);
        let name = "input".to_owned();
        dispute.compared = Some(Compared { op: 412, name, asserted, correct });
    })
    .await;
    assert_eq!(whats(&story).last(), Some(&"names op 412, an input, which the contract compares"));
    assert_eq!(cells(&html).last(), Some(&[12, 1, 3, 0]));
    assert!(html.contains("root it is") && html.contains("one tensor, which the contract"));
}

#[tokio::test]
async fn numbers_of_no_honest_chain_are_drawn_without_a_fuss() {
    for (stage, turn) in [
        (Stage::Iterations, Turn::Child),
        (Stage::Outputs, Turn::Children),
        (Stage::Trace, Turn::Root),
        (Stage::Tensor, Turn::Element),
        (Stage::Chain, Turn::Chunk),
    ] {
        for wild in [0, 1, u64::MAX] {
            let (html, _) = changed(CONVICTED, |dispute| {
                for one in &mut dispute.moves {
                    (one.stage, one.turn) = (stage, turn);
                    (one.index, one.leaves, one.count, one.element) = (wild, wild, wild, wild);
                    (one.height, one.op) = (u32::MAX * u32::from(wild != 0), u32::MAX);
                    (one.at.block, one.at.gas) = (wild, Some(u64::MAX));
                }
                let judged = dispute.judged.as_mut().expect("a step was executed");
                (judged.element, judged.step) = (wild, Some(wild));
                judged.asserted = Scalar::new(Dtype::F32, 0x7fc0_0001);
                judged.correct = Scalar::new(Dtype::F32, 0x8000_0000);
            })
            .await;
            assert!(html.contains(">NaN<") && html.contains(">−0<"), "{stage:?} {turn:?} {wild}");
        }
        changed(RUNNING, |dispute| {
            dispute.moves.clear();
            dispute.asserter.blocks_left = u64::MAX;
        })
        .await;
    }
}

#[tokio::test]
async fn disputes_are_found_from_everywhere() {
    let view = world();
    let (site, _sender) = site(view.clone());
    let (_, list) = read(&site, "/disputes").await;
    let places: Vec<usize> = [CLOSED, CONVICTED, RUNNING]
        .map(|id| list.find(&format!("href=\"/disputes/{id}\"")).expect("each has a line"))
        .into();
    assert!(places.is_sorted(), "the newest is not first");
    assert!(list.contains("<code>scatter_add</code>: 7.25 against 3.5"));
    let (_, round) = read(&site, "/rounds/2").await;
    assert!(round.contains("href=\"/disputes/2\"") && round.contains("✕ struck"));
    assert!(round.contains("✓ final"), "the right result was claimed after the wrong one");
    let (_, now) = read(&site, "/").await;
    assert!(now.contains("href=\"/disputes/2\"") && now.contains(">7.25<"));
    let dispute = view.dispute(CONVICTED).expect("the world has it");
    for one in &dispute.moves {
        assert_eq!(get(&site, &format!("/tx/{}", one.at.tx)).await.status(), StatusCode::OK);
    }
    let (_, json) = read(&site, "/api/disputes").await;
    let all: Vec<Value> = serde_json::from_str(&json).expect("it is a list");
    assert_eq!(all.len(), view.disputes.len());
}
