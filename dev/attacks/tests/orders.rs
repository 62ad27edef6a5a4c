//! Every rule gives the reference's bits over a thousand orders of arrival, on one thread or two.

use std::collections::BTreeMap;

use attacks::chance::shuffle;
use attacks::recipes::{RECIPES, recipe};
use kernels::{Runner, Threads};
use laws::dice::Dice;
use round::robust::{Rule, inputs, program};
use tensor::Tensor;

/// Rows, coordinates and liars; buckets of 2 leave 13 rows.
const SIZES: (usize, usize, usize) = (25, 300, 5);
const ORDERS: usize = 1_000;

/// Rows around a common one, four of them equal, so that some tie.
fn rows(dice: &mut Dice) -> Vec<Tensor> {
    let (n, d, _) = SIZES;
    let mut number = |spread: usize| i32::try_from(dice.below(spread)).expect("spreads are small");
    let common: Vec<i32> = (0..d).map(|_| number(1 << 20)).collect();
    let mut row = || common.iter().map(|x| x + number(1 << 19)).collect::<Vec<i32>>();
    let mut rows = vec![row(); 4];
    rows.extend((4..n).map(|_| row()));
    rows.into_iter().map(|row| Tensor::i32(&[d], row).expect("one axis")).collect()
}

/// Bits, as two NaNs would not be equal.
fn bits(output: &[Tensor]) -> Vec<u32> {
    output[0].as_f32().expect("aggregates are f32").iter().map(|x| x.to_bits()).collect()
}

#[test]
fn neither_arrival_nor_threads_show_in_a_bit() {
    let (n, d, liars) = SIZES;
    let mut dice = Dice::new(1_000);
    let rows = rows(&mut dice);
    let previous = Tensor::f32(&[d], vec![0.25; d]).expect("one axis");
    let buckets = attacks::fight::order(n, 5, 6);
    let once = Rule::CentredClipping { steps: 1, radius: 1e6 };
    for named in RECIPES.into_iter().chain([("centred clipping, one step", &[][..], once)]) {
        let recipe = recipe(named, liars);
        let program = program(&recipe, n, d).expect("five of twenty-five is what rules stand");
        let runner = |count| Runner::new(&program).with_threads(Threads { count, work_min: 1 });
        let mut runners = [runner(1), runner(2)];
        let sums = matches!(recipe.rule, Rule::Mean | Rule::Median | Rule::TrimmedMean);
        let symmetric = sums && recipe.mixes.is_empty();
        let mut first: Option<Vec<u32>> = None;
        let mut arrivals: Vec<usize> = (0..n).collect();
        for turn in 0..ORDERS {
            shuffle(&mut dice, &mut arrivals);
            // Whoever aggregates takes rows by ascending id; exact sums and sorts need not that.
            let by_id: BTreeMap<usize, &Tensor> =
                arrivals.iter().map(|id| (*id, &rows[*id])).collect();
            let arrived: Vec<Tensor> = if symmetric {
                arrivals.iter().map(|id| rows[*id].clone()).collect()
            } else {
                by_id.into_values().cloned().collect()
            };
            let inputs =
                inputs(previous.clone(), Some(&buckets), &arrived).expect("there are rows");
            // Waking a thread takes longer than these rows do, so two have every fiftieth order.
            let threads = if turn % 50 == 0 { 2 } else { 1 };
            first.get_or_insert_with(|| bits(&tensor::eval(&program, &inputs).expect("as above")));
            for runner in &mut runners[..threads] {
                let got = bits(&runner.run(&inputs).expect("the inputs are the Program's"));
                assert_eq!(first.as_ref(), Some(&got), "{}", named.0);
            }
        }
    }
}
