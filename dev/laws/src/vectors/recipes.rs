//! Robust aggregation rules: the Program of each recipe by its hash, and one answer of each.
//!
//! Programs are built anew from their recipes, since sorting 25 rows takes hundreds of ops. The
//! answers are those of 7 rows of 33 coordinates, 2 of them liars.

use round::robust::{Mix, Recipe, Rule, inputs, program};
use serde_json::{Value, json};
use tensor::{Program, Tensor};

use super::json::{list, tensor, text_of, to_tensor};
use crate::Eval;
use crate::dice::Dice;

/// Rows, coordinates and liars of the answers.
const SMALL: (usize, usize, usize) = (7, 33, 2);
/// Rows, coordinates and liars of a round.
const ROUND: (usize, usize, usize) = (25, 1_000, 5);

const RULES: [(&str, Rule); 7] = [
    ("mean", Rule::Mean),
    ("median", Rule::Median),
    ("trimmed mean", Rule::TrimmedMean),
    ("krum", Rule::Krum),
    ("multi-krum", Rule::MultiKrum),
    ("geometric median", Rule::GeometricMedian { steps: 3, smoothing: 0.5 }),
    ("centred clipping", Rule::CentredClipping { steps: 3, radius: 1_000.0 }),
];

const MIXES: [(&str, &[Mix]); 5] = [
    ("", &[]),
    ("neighbours, ", &[Mix::Neighbours]),
    ("buckets, ", &[Mix::Bucketing { size: 2 }]),
    ("clip, ", &[Mix::Clip]),
    ("clip, neighbours, ", &[Mix::Clip, Mix::Neighbours]),
];

/// Returns the file.
pub(super) fn generate() -> Value {
    let inputs = draw();
    let entry = |(name, recipe): (String, Recipe)| {
        let small = build(&recipe, SMALL);
        let result = tensor::eval(&small, &inputs).expect("the inputs are the Program's");
        json!({
            "name": name,
            "hash": small.hash().to_string(),
            "of_a_round": build(&recipe, ROUND).hash().to_string(),
            "output": tensor(&result[0]),
        })
    };
    json!({
        "about": "robust aggregation rules (crate round, module robust): hashes for 7 x 33 and \
            25 x 1000, and answers to the inputs below",
        "version": 1,
        "inputs": inputs.iter().map(tensor).collect::<Vec<_>>(),
        "recipes": recipes().into_iter().map(entry).collect::<Vec<_>>(),
    })
}

/// Checks an implementation's answers.
pub(super) fn check(file: &Value, eval: Eval) {
    let inputs: Vec<Tensor> = list(&file["inputs"]).iter().map(to_tensor).collect();
    for ((name, recipe), case) in recipes().into_iter().zip(list(&file["recipes"])) {
        assert_eq!(name, text_of(&case["name"]));
        let results = eval(&build(&recipe, SMALL), &inputs);
        let results = results.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(results, [to_tensor(&case["output"])], "{name}");
    }
}

fn recipes() -> Vec<(String, Recipe)> {
    let named = |(before, mixes): &(&str, &[Mix]), (name, rule): &(&str, Rule)| {
        let recipe = Recipe { mixes: mixes.to_vec(), rule: *rule, liars: 0 };
        (format!("{before}{name}"), recipe)
    };
    MIXES.iter().flat_map(|mix| RULES.iter().map(move |rule| named(mix, rule))).collect()
}

fn build(recipe: &Recipe, (n, d, liars): (usize, usize, usize)) -> Program {
    // Of 7 rows there are 4 buckets, among which 1 may lie.
    let bucketed = matches!(recipe.mixes.first(), Some(Mix::Bucketing { .. }));
    let liars = if bucketed { liars / 2 } else { liars };
    let recipe = Recipe { liars, ..recipe.clone() };
    program(&recipe, n, d).expect("a recipe that is pinned is valid")
}

/// Honest rows around a common one, liars anywhere, the previous aggregate small.
fn draw() -> Vec<Tensor> {
    let (n, d, liars) = SMALL;
    let mut dice = Dice::new(0x726f_6273);
    let mut number = |spread: usize| {
        let half = i32::try_from(spread / 2).expect("spreads are small");
        i32::try_from(dice.below(spread)).expect("spreads are small") - half
    };
    let common: Vec<i32> = (0..d).map(|_| number(2_000)).collect();
    let mut row = |place: usize| {
        let spread = if place < liars { 1 << 26 } else { 600 };
        let row = common.iter().map(|x| x + number(spread)).collect();
        Tensor::i32(&[d], row).expect("one axis")
    };
    let rows: Vec<Tensor> = (0..n).map(&mut row).collect();
    let previous = common.iter().map(|x| tensor::scalar::i32_to_f32(*x / 2)).collect();
    let previous = Tensor::f32(&[d], previous).expect("one axis");
    inputs(previous, Some(&[4, 0, 6, 2, 5, 1, 3]), &rows).expect("there are rows")
}
