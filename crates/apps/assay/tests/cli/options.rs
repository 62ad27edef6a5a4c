//! `assay option` and `assay surface`: one option there and back, and a real chain as a page.

use serde_json::Value;

use crate::data::real;
use crate::harness::{directory, run, skip, text};

fn number(root: &std::path::Path, args: &[&str], name: &str) -> f64 {
    run(root, args).json()[name].as_f64().expect("a number")
}

#[test]
fn an_option_is_priced_and_its_volatility_found_again() {
    let folder = directory();
    let root = folder.path();
    let which = ["--put", "--json", "--forward", "70000", "--strike", "65000", "--days", "12"];
    let ask = |more: &[&'static str]| [&["option", more[0]], &which[..], &more[1..]].concat();
    let price = number(root, &ask(&["price", "--volatility", "58%"]), "price");
    let coin = number(root, &ask(&["price", "--volatility", "0.58", "--coin"]), "price");
    assert!((coin * 70_000.0 / price - 1.0).abs() < 1e-12);
    let quoted = coin.to_string();
    let found = [ask(&["iv", "--coin", "--price"]), vec![quoted.as_str()]].concat();
    let found = number(root, &found, "volatility");
    assert!((found - 0.58).abs() < 1e-12, "{found}");

    let refused = run(root, &ask(&["iv", "--price", "70000"]));
    assert!(
        !refused.status.success() && refused.stderr.contains("below 65000"),
        "{}",
        refused.stderr
    );
    let refused = run(root, &ask(&["price", "--volatility", "-1"]));
    assert!(
        !refused.status.success() && refused.stderr.contains("not above zero"),
        "{}",
        refused.stderr
    );
}

#[test]
fn a_real_chain_becomes_a_page_without_arbitrage() {
    let data = real("deribit/option_chain_6h_20260203_0207.parquet");
    if !data.is_file() {
        return skip("a real option chain: there is no ../shared/data beside the project");
    }
    let folder = directory();
    let root = folder.path();
    let page = root.join("page.html");
    let args = ["surface", "--data", text(&data), "--asset", "BTC", "--out", text(&page), "--json"];
    let surface = run(root, &args).json();
    let slices = surface["slices"].as_array().expect("slices");
    assert_eq!(slices.len(), 12);
    let proved = |slice: &Value| slice["certificate"]["density"].as_f64().expect("a bound") > 0.0;
    assert!(slices.iter().all(proved));

    let html = std::fs::read_to_string(&page).expect("the page");
    assert_eq!(html.matches("<figure>").count(), 12);
    for load in ["http://", "https://", " src=", "url(", "@import", "<link", "<iframe", "<img"] {
        assert!(!html.contains(load), "the page has {load}");
    }
    let data = html.split("id=\"report\">").nth(1).and_then(|rest| rest.split("</script>").next());
    let data: Value = serde_json::from_str(data.expect("the data")).expect("JSON");
    assert_eq!(data, Value::Array(vec![surface]));

    let refused = run(root, &["surface", "--data", text(&root.join("none.parquet"))]);
    assert!(
        !refused.status.success() && refused.stderr.contains("none.parquet"),
        "{}",
        refused.stderr
    );
}
