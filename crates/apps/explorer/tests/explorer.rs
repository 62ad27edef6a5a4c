//! The pages over an invented network: whole, escaped, honest about what is missing, and live.

#[path = "../examples/fixture/world/mod.rs"]
mod world;

#[path = "explorer/disputes.rs"]
mod disputes;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, StatusCode};
use explorer::State;
use explorer::view::{ClaimState, Field, Phase, TxStatus, View};
use futures_util::StreamExt as _;
use serde_json::Value;
use std::sync::Arc;
use tokio::sync::watch::{self, Sender};
use tower::ServiceExt as _;
use world::{SCRIPT, World};

/// Three rounds settled, the fourth with two reveals.
const STEPS: u64 = 3 * SCRIPT + 7;

fn site(view: View) -> (Router, Sender<Arc<View>>) {
    let (sender, receiver) = watch::channel(Arc::new(view));
    (explorer::router(State::new(receiver)), sender)
}

async fn get(site: &Router, path: &str) -> Response<Body> {
    let request = Request::get(path).body(Body::empty()).expect("the test writes a valid path");
    site.clone().oneshot(request).await.expect("a router never fails")
}

async fn text(response: Response<Body>) -> String {
    let bytes = to_bytes(response.into_body(), 1 << 24).await.expect("the body is in memory");
    String::from_utf8(bytes.to_vec()).expect("pages are UTF-8")
}

async fn read(site: &Router, path: &str) -> (StatusCode, String) {
    let response = get(site, path).await;
    (response.status(), text(response).await)
}

fn paths(view: &View) -> Vec<String> {
    let mut paths: Vec<String> = [
        "/",
        "/rounds",
        "/disputes",
        "/nodes",
        "/model",
        "/oracle",
        "/accounts",
        "/house",
        "/jobs",
        "/blocks",
    ]
    .map(str::to_owned)
    .into();
    paths.extend(view.rounds.iter().map(|round| format!("/rounds/{}", round.number)));
    paths.extend(view.disputes.iter().map(|dispute| format!("/disputes/{}", dispute.id)));
    paths.extend(view.nodes.iter().map(|node| format!("/nodes/{}", node.index)));
    paths.extend(view.accounts.iter().map(|account| format!("/accounts/{}", account.address)));
    paths.extend(view.blocks.iter().map(|block| format!("/blocks/{}", block.number)));
    paths.extend(view.txs.iter().map(|tx| format!("/tx/{}", tx.hash)));
    paths
}

#[tokio::test]
async fn every_page_says_what_it_is_and_loads_nothing_from_elsewhere() {
    let world = World::after(STEPS);
    let (site, _sender) = site(world.view().clone());
    for path in paths(world.view()) {
        let response = get(&site, &path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let policy = response.headers()["content-security-policy"].to_str().expect("it is ASCII");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        let html = text(response).await;
        assert!(html.contains("replaying 2015-03-05, WTI spot"), "{path} hides its market time");
        assert!(html.contains("unaudited contracts, replayed data, local chain"), "{path}");
        for outside in ["http:", "https:", "src=\"//", "href=\"//", " style=", " onclick"] {
            assert!(!html.contains(outside), "{path} has {outside}");
        }
        assert!(
            html.contains(&format!("hx-get=\"{path}\"")),
            "{path} would not follow the network"
        );
    }
}

#[tokio::test]
async fn the_first_page_shows_the_rejected_liar_and_the_margin() {
    let world = World::after(STEPS);
    let (site, _sender) = site(world.view().clone());
    let (_, html) = read(&site, "/").await;
    let round = world.view().last_settled().expect("three rounds settled");
    let liar = round.seats.iter().find(|seat| seat.label.is_some()).expect("there is a liar");
    let distance = liar.distance.expect("the round is judged");
    assert!(html.contains(&format!("its update lies {distance:.1} median distances")));
    assert!(html.contains("demo liar") && html.contains("✕ rejected"));
    let report = world.view().oracle.reports.last().expect("a report follows each round");
    assert!(html.contains(&format!("{} <span class=\"unit\">%</span>", report.value.percent(2))));
    assert!(html.contains(&format!("title=\"{} of notional\"", report.value)));
    assert!(html.contains("6 of 12 committed seats are revealed"));
    assert!(html.contains("class=\"here\" aria-current=\"step\""));
}

#[tokio::test]
async fn failures_are_said_in_words() {
    let mut view = World::after(STEPS).view().clone();
    let first = &mut view.rounds[0];
    first.struck = 1;
    let mut fallen = first.claims[0].clone();
    (fallen.state, fallen.disputes) = (ClaimState::Void, vec![77]);
    first.claims.insert(0, fallen);
    first.seats[3].distance = Some(f64::INFINITY);
    (view.rounds[1].phase, view.rounds[1].loss) = (Phase::Voided, Some(f64::NAN));
    view.accounts[0].equity = view.accounts[0].maintenance;
    view.accounts[0].maintenance = view.accounts[0].initial;
    let (site, _sender) = site(view);
    let (_, html) = read(&site, "/rounds/1").await;
    assert!(html.contains(">void<") && html.contains("href=\"/disputes/77\">77"), "it is hidden");
    assert!(html.contains("class=\"figures\">∞<"), "an endless distance has no figure");
    let (_, html) = read(&site, "/rounds/2").await;
    assert!(html.contains("<dt>Voided</dt>") && html.contains("class=\"void\""));
    let (_, html) = read(&site, "/accounts").await;
    assert!(html.contains("✕ under maintenance"));
    let (status, json) = read(&site, "/api/rounds/1").await;
    assert_eq!(status, StatusCode::OK);
    let round: Value = serde_json::from_str(&json).expect("an endless number is no reason to fail");
    assert_eq!(round["seats"][3]["distance"], Value::Null);
}

/// A network whose every free text was written by an enemy.
fn hostile(attack: &str) -> View {
    let mut view = World::after(STEPS).view().clone();
    let own = || attack.to_owned();
    (view.network.market, view.network.source) = (own(), own());
    (view.network.token, view.network.chain) = (own(), own());
    for contract in &mut view.network.contracts {
        contract.label = own();
    }
    for node in &mut view.nodes {
        (node.name, node.endpoint, node.role) = (own(), own(), own());
        (node.data, node.label) = (own(), Some(own()));
    }
    for seat in view.rounds.iter_mut().flat_map(|round| &mut round.seats) {
        (seat.name, seat.label) = (own(), Some(own()));
    }
    for dispute in &mut view.disputes {
        (dispute.asserter.name, dispute.challenger.name) = (own(), own());
        dispute.op_text = Some(own());
        dispute.judged.iter_mut().for_each(|judged| judged.name = own());
    }
    let model = &mut view.model;
    (model.kind, model.predicts, model.loss_name) = (own(), own(), own());
    model.parameters[0].name = own();
    let oracle = &mut view.oracle;
    (oracle.quantity, oracle.price_unit, oracle.interval) = (own(), own(), own());
    let house = view.house.as_mut().expect("the fixture has one");
    house.scenarios.iter_mut().for_each(|one| *one = own());
    house.instruments.iter_mut().for_each(|one| one.name = own());
    for portfolio in &mut house.portfolios {
        portfolio.party.label = own();
        portfolio.legs.iter_mut().for_each(|leg| leg.0 = own());
    }
    for job in &mut view.jobs {
        (job.state, job.waits, job.requirement, job.sponsor.label) = (own(), own(), own(), own());
        job.contracts.iter_mut().for_each(|part| part.label = own());
    }
    for job in &mut view.open_jobs {
        (job.description, job.sponsor.label) = (own(), own());
        for run in &mut job.runs {
            (run.state, run.claim_state, run.trainer.label) = (own(), own(), own());
        }
    }
    for account in &mut view.accounts {
        (account.name, account.unit, account.instrument, account.size_unit) =
            (own(), own(), own(), own());
    }
    for tx in &mut view.txs {
        (tx.method, tx.from.label, tx.status) = (own(), own(), TxStatus::Reverted(own()));
        tx.args = vec![Field { name: own(), kind: own(), value: own() }];
        for event in &mut tx.events {
            (event.name, event.by.label, event.fields) = (own(), own(), tx.args.clone());
        }
    }
    view
}

#[tokio::test]
async fn what_strangers_write_stays_text() {
    let attacks =
        ["<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'onload='alert(1)"];
    for attack in attacks {
        let view = hostile(attack);
        let (site, _sender) = site(view.clone());
        for path in paths(&view) {
            let (status, html) = read(&site, &path).await;
            assert_eq!(status, StatusCode::OK, "{path}");
            assert!(!html.contains(attack), "{path} prints {attack} raw");
            assert_eq!(html.matches("<script").count(), 4, "{path} grew a script");
        }
    }
    let view = hostile("\u{202e}gpj.exe\u{0007}");
    let (site, _sender) = site(view);
    let (_, html) = read(&site, "/nodes/0").await;
    let endpoint = html.split("as announced").nth(1).expect("the page has an endpoint");
    assert!(endpoint.contains("<span class=\"foreign\">\u{fffd}gpj.exe\u{fffd}</span>"));
}

#[tokio::test]
async fn the_endless_is_cut_on_pages_and_whole_in_json() {
    let mut view = World::after(STEPS).view().clone();
    let calldata = format!("0x{}", "ab".repeat(40_000));
    view.txs[9].args =
        vec![Field { name: "update".into(), kind: "bytes".into(), value: calldata.clone() }];
    let path = format!("/tx/{}", view.txs[9].hash);
    let (site, _sender) = site(view);
    let (_, html) = read(&site, &path).await;
    assert!(html.len() < 20_000 && html.contains("80,002 characters in all"));
    let (_, json) = read(&site, &format!("/api{path}")).await;
    assert!(json.contains(&calldata));
}

#[tokio::test]
async fn what_does_not_exist_gets_a_page_that_helps() {
    let world = World::after(STEPS);
    let (site, _sender) = site(world.view().clone());
    let cases = [
        ("/rounds/99", "There are rounds 1 to 4."),
        ("/rounds/-1", "no round -1"),
        ("/disputes/9", "There are disputes 1 to 3."),
        ("/nodes/4", "4 nodes joined so far"),
        ("/blocks/99999", "Blocks 0 to "),
        ("/tx/0x12", "no transaction 0x12"),
        ("/accounts/0x", "no account 0x"),
        ("/rounds/%3Cscript%3E", "no round &#60;script&#62;"),
        ("/nowhere", "no page at /nowhere"),
    ];
    for (path, words) in cases {
        let (status, html) = read(&site, path).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
        assert!(html.contains(words), "{path} lacks {words}");
        let (status, json) = read(&site, &format!("/api{path}")).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "/api{path}");
        let answer: Value = serde_json::from_str(&json).expect("an error is JSON too");
        assert!(answer["error"].is_string(), "/api{path} says {json}");
    }
}

#[tokio::test]
async fn an_empty_network_says_what_will_appear() {
    let (site, _sender) = site(View::default());
    for (path, words) in [
        ("/", "No round yet"),
        ("/", "appear here as they join"),
        ("/rounds", "The first round appears here"),
        ("/disputes", "Nobody has challenged a claim yet"),
        ("/nodes", "Nodes appear here"),
        ("/model", "The first point appears when the first round settles"),
        ("/oracle", "The chart starts with the first report"),
        ("/accounts", "Accounts appear here"),
        ("/house", "The first grid appears here"),
        ("/jobs", "Jobs appear here as they are created"),
        ("/blocks", "The first block appears here"),
    ] {
        let (status, html) = read(&site, path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert!(html.contains(words), "{path} lacks {words}");
        assert!(html.contains("nothing is replayed yet"), "{path}");
    }
}

#[tokio::test]
async fn several_providers_stand_beside_the_oracle() {
    let (site, _sender) = site(World::after(STEPS).view().clone());
    let (status, html) = read(&site, "/oracle").await;
    assert_eq!(status, StatusCode::OK);
    for words in ["Several providers", "waiting to rise to", "it misses more often than it said"] {
        assert!(html.contains(words), "the page lacks {words}");
    }
}

#[tokio::test]
async fn a_portfolio_is_drawn_by_scenario() {
    let (site, _sender) = site(World::after(STEPS).view().clone());
    let (status, html) = read(&site, "/house").await;
    assert_eq!(status, StatusCode::OK);
    for words in ["the worst is price +12.0 %", "<title>price +12.0 %: −72.36</title>", "call 55"]
    {
        assert!(html.contains(words), "the page lacks {words}");
    }
    assert_eq!(html.matches("class=\"loss\"").count(), 9, "three of eight moves are up");
    let (_, json) = read(&site, "/api/house").await;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["portfolios"][0]["changes"].as_array().map(Vec::len), Some(24));
}

#[tokio::test]
async fn jobs_say_what_they_wait_for() {
    let (site, _sender) = site(World::after(STEPS).view().clone());
    let (status, html) = read(&site, "/jobs").await;
    assert_eq!(status, StatusCode::OK);
    for words in ["a further 200 tokens in the escrow", "may be retired from block 90 on", "299.90"]
    {
        assert!(html.contains(words), "the page lacks {words}");
    }
    let (_, json) = read(&site, "/api/jobs").await;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json[0]["epochs"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn open_jobs_show_their_runs_and_claims() {
    let (site, _sender) = site(World::after(STEPS).view().clone());
    let (_, html) = read(&site, "/jobs").await;
    for words in ["o0", "<td>open</td>", "<td>private</td>", "paid, the job", "41, struck", "0.81"]
    {
        assert!(html.contains(words), "the page lacks {words}");
    }
    let (status, json) = read(&site, "/api/open-jobs").await;
    assert_eq!(status, StatusCode::OK);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json[0]["runs"].as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn machines_read_the_same_picture() {
    let world = World::after(STEPS);
    let view = world.view();
    let (site, _sender) = site(view.clone());
    let (_, json) = read(&site, "/api/view.json").await;
    let back: View = serde_json::from_str(&json).expect("it was just written");
    assert_eq!((&back.network, &back.nodes), (&view.network, &view.nodes));
    assert_eq!((&back.oracle, &back.accounts), (&view.oracle, &view.accounts));
    assert_eq!((&back.blocks, &back.txs), (&view.blocks, &view.txs));
    assert_eq!(back.disputes, view.disputes);
    assert_eq!((back.rounds.len(), back.model.losses.len()), (4, 3));
    for path in paths(view).iter().skip(1) {
        let (status, json) = read(&site, &format!("/api{path}")).await;
        assert_eq!(status, StatusCode::OK, "/api{path}");
        serde_json::from_str::<Value>(&json).expect("it is JSON");
    }
    let (_, json) = read(&site, "/charts/oracle.json").await;
    let chart: Value = serde_json::from_str(&json).expect("a chart is JSON");
    assert_eq!(chart["x"].as_array().map(Vec::len), Some(view.oracle.reports.len()));
    assert_eq!(chart["series"][2]["values"][0], 100.0 * view.oracle.reports[0].value.to_f64());
}

#[tokio::test]
async fn long_tables_are_cut_and_stay_where_they_are() {
    let world = World::after(10 * SCRIPT);
    let (site, _sender) = site(world.view().clone());
    let (_, html) = read(&site, "/blocks?before=60").await;
    assert!(html.contains("hx-get=\"/blocks?before=60\""));
    assert!(html.contains("href=\"/blocks/59\"") && html.contains("href=\"/blocks/10\""));
    assert!(!html.contains("href=\"/blocks/9\""), "more rows than a page has");
    assert!(html.contains("href=\"/blocks?before=10\">older"));
    let (status, html) = read(&site, "/blocks?before=x").await;
    assert_eq!(status, StatusCode::OK);
    assert!(html.contains("hx-get=\"/blocks\""), "nonsense is no window");
}

#[tokio::test]
async fn an_open_page_hears_of_each_change_until_the_network_is_gone() {
    let mut world = World::after(STEPS);
    let (site, sender) = site(world.view().clone());
    let response = get(&site, "/events").await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut events = response.into_body().into_data_stream();
    for _ in 0..2 {
        let event = events.next().await.expect("the stream is open").expect("and unbroken");
        let event = String::from_utf8(event.to_vec()).expect("events are UTF-8");
        let block = world.view().network.block;
        assert!(event.starts_with("event: view\n"), "{event}");
        assert!(event.contains(&format!("\"block\":{block}")), "{event}");
        world.step();
        sender.send_replace(Arc::new(world.view().clone()));
    }
    events.next().await.expect("the last change is told").expect("and unbroken");
    drop(sender);
    assert!(events.next().await.is_none(), "the stream outlived the network");
}

#[tokio::test]
async fn assets_are_typed_revalidated_and_nothing_else() {
    let (site, _sender) = site(View::default());
    for (path, kind) in [
        ("explorer.css", "text/css"),
        ("palette.css", "text/css"),
        ("explorer.js", "text/javascript"),
        ("icon.svg", "image/svg+xml"),
        ("vendor/uplot-LICENSE.txt", "text/plain"),
        ("vendor/htmx-LICENSE.txt", "text/plain"),
    ] {
        let path = format!("/assets/{path}");
        let response = get(&site, &path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let is = response.headers()["content-type"].to_str().expect("it is ASCII").to_owned();
        assert!(is.starts_with(kind), "{path} is {is}");
        let tag = response.headers()["etag"].clone();
        let again = Request::get(&path).header("if-none-match", tag).body(Body::empty());
        let again = again.expect("the request is valid");
        let answer = site.clone().oneshot(again).await.expect("a router never fails");
        assert_eq!(answer.status(), StatusCode::NOT_MODIFIED, "{path}");
    }
    for path in ["/assets/../Cargo.toml", "/assets/%2e%2e/Cargo.toml", "/assets/nothing.js"] {
        assert_eq!(get(&site, path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    let (_, html) = read(&site, "/").await;
    for named in html.split("\"/assets/").skip(1) {
        let path = named.split('"').next().unwrap_or_default();
        assert_eq!(get(&site, &format!("/assets/{path}")).await.status(), StatusCode::OK, "{path}");
    }
}
