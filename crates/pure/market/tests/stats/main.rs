//! The same numbers as SciPy, statsmodels and scoringrules, on the cases of
//! `vectors/stats_v1.json` (generate.py beside writes them).

use market::{distribution, stats};
use serde_json::Value;

const CASES: &str = include_str!("../../../../../vectors/stats_v1.json");

fn cases(part: &str) -> Value {
    let all: Value = serde_json::from_str(CASES).expect("the vectors are JSON");
    all[part].clone()
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn numbers(value: &Value) -> Vec<f64> {
    list(value).iter().map(number).collect()
}

/// Fails unless `got` is `expected` to within `near`, relative or absolute.
fn close(what: &str, got: f64, expected: f64, near: f64) {
    let error = (got - expected).abs();
    let fits = error <= near * expected.abs() || error <= near * 1e-3;
    assert!(fits, "{what}: {got:e}, expected {expected:e}");
}

fn evidence(what: &str, got: stats::Evidence, case: &Value) {
    close(&format!("{what}, statistic"), got.statistic, number(&case["statistic"]), 1e-9);
    close(&format!("{what}, p"), got.p, number(&case["p"]), 1e-9);
}

#[test]
fn distributions() {
    let case = cases("distributions");
    let each = |points: &str, expected: &Value, name: &str, f: &dyn Fn(f64) -> f64| {
        for (x, expected) in numbers(&case[points]).into_iter().zip(numbers(expected)) {
            close(&format!("{name}({x})"), f(x), expected, 1e-10);
        }
    };
    each("points", &case["normal_cdf"], "cdf", &distribution::normal_cdf);
    each("points", &case["normal_density"], "density", &distribution::normal_density);
    each("levels", &case["normal_quantile"], "quantile", &distribution::normal_quantile);
    each("ln_gamma_points", &case["ln_gamma"], "ln_gamma", &distribution::ln_gamma);
    for (i, freedom) in numbers(&case["freedoms"]).into_iter().enumerate() {
        let at = |name: &str| case[name][i].clone();
        let name = |name: &str| format!("{name}, {freedom} degrees");
        each("points", &at("student_cdf"), &name("t cdf"), &|x| {
            distribution::student_cdf(x, freedom)
        });
        each("points", &at("student_density"), &name("t density"), &|x| {
            distribution::student_density(x, freedom)
        });
        each("levels", &at("student_quantile"), &name("t quantile"), &|p| {
            distribution::student_quantile(p, freedom)
        });
        each("tail_points", &at("chi_squared_tail"), &name("chi-squared"), &|x| {
            distribution::chi_squared_tail(x, freedom)
        });
    }
}

#[test]
fn exceedances() {
    for case in list(&cases("coverage")) {
        let forecasts = numbers(&case["forecasts"]);
        let mut hits = vec![false; forecasts.len()];
        for index in list(&case["hits"]) {
            let index: usize = index.as_u64().and_then(|i| i.try_into().ok()).expect("an index");
            hits[index] = true;
        }
        let share = number(&case["share"]);
        let dynamic = stats::dynamic_quantile(&hits, &forecasts, share);
        evidence("Kupiec", stats::kupiec(&hits, share), &case["kupiec"]);
        let independence = stats::christoffersen_independence(&hits);
        evidence("independence", independence, &case["independence"]);
        let coverage = stats::christoffersen_coverage(&hits, share);
        evidence("coverage", coverage, &case["coverage"]);
        evidence("dynamic quantile", dynamic, &case["dynamic_quantile"]);
    }
}

#[test]
fn comparisons() {
    let case = cases("comparison");
    let (a, b) = (numbers(&case["a"]), numbers(&case["b"]));
    for case in list(&case["cases"]) {
        let lags = case["lags"].as_u64().and_then(|n| n.try_into().ok()).expect("a count");
        evidence("Diebold-Mariano", stats::diebold_mariano(&a, &b, lags), case);
    }
    let corrected = stats::holm(&numbers(&case["p"]));
    for (got, expected) in corrected.into_iter().zip(numbers(&case["holm"])) {
        close("Holm", got, expected, 1e-12);
    }
}

#[test]
fn scores() {
    let case = cases("scores");
    let law = (number(&case["location"]), number(&case["scale"]));
    let (sample, freedoms) = (numbers(&case["sample"]), numbers(&case["freedoms"]));
    let interval = (number(&case["interval"][0]), number(&case["interval"][1]));
    let (level, quantile) = (number(&case["level"]), number(&case["quantile"]));
    let probability = number(&case["probability"]);
    for (i, y) in numbers(&case["outcomes"]).into_iter().enumerate() {
        let expected = |name: &str| number(&case[name][i]);
        close("normal CRPS", stats::crps_normal(y, law), expected("normal"), 1e-10);
        close("sample CRPS", stats::crps_sample(y, &sample), expected("crps_sample"), 1e-10);
        close("pinball", stats::pinball(y, quantile, level), expected("pinball"), 1e-10);
        let width = stats::interval_score(y, interval, probability);
        close("interval", width, expected("interval_score"), 1e-10);
        for (freedom, row) in freedoms.iter().zip(list(&case["student"])) {
            close("t CRPS", stats::crps_student(y, law, *freedom), number(&row[i]), 1e-10);
        }
    }
}

#[test]
fn uniformity() {
    for case in list(&cases("uniformity")) {
        evidence("Kolmogorov-Smirnov", stats::uniformity(&numbers(&case["u"])), case);
    }
}

#[test]
fn shortfalls() {
    let all = cases("shortfall");
    let losses = numbers(&all["losses"]);
    let same = |x: &Value| vec![number(x); losses.len()];
    for case in list(&all["cases"]) {
        let (quantiles, shortfalls) = (same(&case["quantile"]), same(&case["shortfall"]));
        let share = number(&all["share"]);
        let test = stats::acerbi_szekely(&losses, &quantiles, &shortfalls, share, (&[], 1));
        close("Z1", test.size.statistic, number(&case["z1"]), 1e-9);
        close("Z2", test.both.statistic, number(&case["z2"]), 1e-9);
        // Two Monte Carlo p-values, of 2,000 and 20,000 draws: four standard errors of 0.011.
        for (got, expected) in [(test.size.p, "p1"), (test.both.p, "p2")] {
            let expected = number(&case[expected]);
            assert!((got - expected).abs() < 0.047, "p {got}, expected {expected}");
        }
    }
}
