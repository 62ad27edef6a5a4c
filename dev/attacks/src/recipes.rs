//! The recipes that are measured, by name.
//!
//! *Invariant: a name means the same recipe here and in dev/peers/robust.*
//! Absent: tuning. Lengths are fixed for all cells, as byzfl's user would have to fix them; what
//! rounds have is the last but one with another smoothing.

use round::aggregate;
use round::robust::{Mix, Recipe, Rule};
use serde_json::{Value, json};

use crate::QUANTA;

/// Steps of Weiszfeld and of centred clipping.
pub const STEPS: (usize, usize) = (8, 3);
/// Smoothing of the geometric median and radius of centred clipping, in units of updates.
pub const LENGTHS: (f64, f64) = (0.1, 1.0);

/// Rows of a bucket.
const BUCKET: usize = 2;

const NONE: &[Mix] = &[];
const NEAR: &[Mix] = &[Mix::Neighbours];
const BUCKETS: &[Mix] = &[Mix::Bucketing { size: BUCKET }];
const CLIP: &[Mix] = &[Mix::Clip];
const CLIP_NEAR: &[Mix] = &[Mix::Clip, Mix::Neighbours];

const MEDIAN: Rule = Rule::GeometricMedian { steps: STEPS.0, smoothing: LENGTHS.0 * QUANTA };
const CLIPPING: Rule = Rule::CentredClipping { steps: STEPS.1, radius: LENGTHS.1 * QUANTA };

/// Pre-steps and rules that are measured.
pub const RECIPES: [(&str, &[Mix], Rule); 19] = [
    ("mean", NONE, Rule::Mean),
    ("median", NONE, Rule::Median),
    ("trimmed mean", NONE, Rule::TrimmedMean),
    ("Krum", NONE, Rule::Krum),
    ("multi-Krum", NONE, Rule::MultiKrum),
    ("geometric median", NONE, MEDIAN),
    ("centred clipping", NONE, CLIPPING),
    ("NNM, median", NEAR, Rule::Median),
    ("NNM, trimmed mean", NEAR, Rule::TrimmedMean),
    ("NNM, Krum", NEAR, Rule::Krum),
    ("NNM, multi-Krum", NEAR, Rule::MultiKrum),
    ("NNM, geometric median", NEAR, MEDIAN),
    ("NNM, centred clipping", NEAR, CLIPPING),
    ("buckets, geometric median", BUCKETS, MEDIAN),
    ("buckets, centred clipping", BUCKETS, CLIPPING),
    ("ARC, geometric median", CLIP, MEDIAN),
    ("ARC, NNM, trimmed mean", CLIP_NEAR, Rule::TrimmedMean),
    ("ARC, NNM, geometric median", CLIP_NEAR, MEDIAN),
    ("rounds' own", &aggregate::MIXES, aggregate::RULE),
];

/// Returns a recipe for so many liars.
#[must_use]
pub fn recipe((_, mixes, rule): (&str, &[Mix], Rule), liars: usize) -> Recipe {
    Recipe { mixes: mixes.to_vec(), rule, liars }
}

/// Whether byzfl has it too: it rejects nobody.
#[must_use]
pub fn has_peer(recipe: &Recipe) -> bool {
    !recipe.mixes.contains(&Mix::Reject)
}

/// Returns a recipe as the peer's process is told of it; lengths in units of updates.
#[must_use]
pub fn described(recipe: &Recipe) -> Value {
    let mix = |mix: &Mix| match mix {
        Mix::Reject => json!(["reject", 0]),
        Mix::Bucketing { size } => json!(["buckets", size]),
        Mix::Neighbours => json!(["neighbours", 0]),
        Mix::Clip => json!(["clip", 0]),
    };
    let (rule, steps, length) = match recipe.rule {
        Rule::Mean => ("mean", 0, 0.0),
        Rule::Median => ("median", 0, 0.0),
        Rule::TrimmedMean => ("trimmed", 0, 0.0),
        Rule::Krum => ("krum", 0, 0.0),
        Rule::MultiKrum => ("multikrum", 0, 0.0),
        Rule::GeometricMedian { steps, smoothing } => ("geometric", steps, smoothing / QUANTA),
        Rule::CentredClipping { steps, radius } => ("clipping", steps, radius / QUANTA),
    };
    let mixes: Vec<Value> = recipe.mixes.iter().map(mix).collect();
    json!({ "mixes": mixes, "rule": rule, "steps": steps, "length": length, "f": recipe.liars })
}
