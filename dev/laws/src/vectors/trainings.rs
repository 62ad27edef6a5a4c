//! Whole training steps by their hashes: one configuration, one Program, on every node.
//!
//! Only hashes are kept, since a recurrent step is thousands of ops; what it computes is checked
//! where it is built.

use learn::{
    Activation, Encoder, Gru, Kind, Loss, Mlp, Model, Network, Norm, Optimiser, Schedule, Training,
};
use serde_json::{Value, json};
use tensor::{Dtype, Program};

use super::json::{list, text_of};

/// Returns the name, size and hash of every training that is pinned.
pub(super) fn generate() -> Value {
    let entry = |(name, program): (String, Program)| {
        let (ops, hash) = (program.nodes().len(), program.hash().to_string());
        json!({ "name": name, "ops": ops, "hash": hash })
    };
    all().into_iter().map(entry).collect()
}

/// Checks that every training still builds the Program with its hash.
pub(super) fn check(file: &Value) {
    let built = generate();
    for (committed, built) in list(&file["trainings"]).iter().zip(list(&built)) {
        assert_eq!(committed, built, "{}", text_of(&committed["name"]));
    }
    assert_eq!(list(&file["trainings"]).len(), list(&built).len(), "run `cargo xtask vectors`");
}

fn all() -> Vec<(String, Program)> {
    let mut programs = rounds();
    for (dtype, optimiser) in
        [(Dtype::F32, Optimiser::ADAM), (Dtype::F32, Optimiser::SGD), (Dtype::F64, Optimiser::ADAM)]
    {
        let by = if matches!(optimiser, Optimiser::Sgd { .. }) { "sgd" } else { "adam" };
        for (batch, network_name, network) in networks() {
            for (loss_name, loss) in losses() {
                let network = network.clone();
                let training = Training { network, loss, optimiser, batch, dtype };
                let program = training.step().expect("a training that is pinned is valid");
                programs.push((format!("{network_name}, {loss_name}, {by}, {dtype}"), program));
            }
        }
    }
    programs
}

/// The steps of the two models that rounds train, as `learn::Schedule::STANDARD` has them.
fn rounds() -> Vec<(String, Program)> {
    let features = ["day", "week", "level", "fall", "fall_week"];
    let program = |kind: Kind| {
        let model = Model::new(kind, &features);
        let program = learn::step_program(&model, Schedule::STANDARD.batch);
        (format!("round, {kind}"), program.expect("the standard schedule is valid"))
    };
    vec![program(Kind::Har), program(Kind::Mlp)]
}

fn networks() -> [(usize, &'static str, Network); 4] {
    let encoder = |activation, norm| {
        let (features, tokens, width, heads) = (32, 64, 64, 4);
        let (layers, feed_forward) = (2, 256);
        Network::Encoder(Encoder {
            features,
            tokens,
            width,
            heads,
            layers,
            feed_forward,
            activation,
            norm,
        })
    };
    let mlp = Mlp { features: 32, hidden: vec![64, 64], activation: Activation::Relu };
    [
        (256, "mlp 32-64-64", Network::Mlp(mlp)),
        (32, "gru 64 x 32-64", Network::Gru(Gru { features: 32, hidden: 64, steps: 64 })),
        (8, "encoder pre gelu 64 x 32-64", encoder(Activation::Gelu, Norm::Pre)),
        (8, "encoder post relu 64 x 32-64", encoder(Activation::Relu, Norm::Post)),
    ]
}

fn losses() -> [(&'static str, Loss); 4] {
    [
        ("gaussian", Loss::Gaussian),
        ("qlike", Loss::Qlike),
        ("pinball", Loss::Pinball(vec![0.01, 0.5, 0.99])),
        ("cross-entropy", Loss::CrossEntropy { classes: 5 }),
    ]
}
