//! The listing: its words are golden, it parses back, and what is wrong with it is said by line.

use proptest::prelude::*;
use tensor::{Program, TextError};

use crate::samples::{every_op, linear};

const LINEAR: &str = "\
program 0xf079d9bccfbea7ae7629d65194f94fbf1b6947396f4cc062c28440c91ffd9049
inputs %0:f32[3,1] %1:f32[4,3] %2:f32[4,1]
outputs %7:f32[] %16:f32[3,1]
%0 f32[3,1] = input 0
%1 f32[4,3] = input 1
%2 f32[4,1] = input 2
%3 f32[4,1] = matmul %1 %0
%4 f32[4,1] = sub %3 %2
%5 f32[4,1] = mul %4 %4
%6 f32[4] = reshape %5
%7 f32[] = sum %6 axis=0
%8 f32[] = constant 0xbf08fc359f83448d3ab9ee428589e24a4dd5bcec0b64dc51bfaf282c744ffc39 [1.0]
%9 f32[1] = reshape %8
%10 f32[4] = broadcast %9
%11 f32[4,1] = reshape %10
%12 f32[4,1] = mul %11 %4
%13 f32[4,1] = mul %11 %4
%14 f32[4,1] = add %12 %13
%15 f32[3,4] = transpose %1 perm=[1,0]
%16 f32[3,1] = matmul %15 %14
";

/// Every kind of payload, as a line of the sample that has every op.
const PAYLOADS: [&str; 12] = [
    "%26 i32[2,3] = convert %0",
    "%27 f64[4] = constant \
     0x088e7bc6788a2db2217ddd07c250c1d06eec305abf251d89b6a2e1855de92a42 [0.1, -0.2, 1e300, inf]",
    "%58 i32[2] = requantise %2 m=3 s=5 lo=-100 hi=100",
    "%59 i32[5] = random_bits %2 stream=9",
    "%60 i32[2,2] = iota axis=1",
    "%61 f32[3,2] = transpose %0 perm=[1,0]",
    "%62 f32[2,2] = gather %0 %2 axis=1",
    "%64 f32[2,2,3] = broadcast %0",
    "%65 f32[2,2] = slice %0 start=[0,1] end=[2,3]",
    "%66 f32[4,3] = concat %0 %0 axis=0 extents=[2,2]",
    "%67 f32[3,5] = pad %0 lo=[1,0] hi=[0,2]",
    "%69 f32[2,3] = scatter_add %62 %2 axis=1 extent=3",
];

/// The smallest listing that parses, by parts that a test changes.
const SMALL: &str = "outputs %2\n%0 f32[2] = input 0\n\n# twice\n%1 f32[2] = add %0 %0\n\
                     %2 f32[] = sum %1 axis=0\n";

#[test]
fn the_listing_is_golden() {
    assert_eq!(linear().expect("well formed").to_string(), LINEAR);
    let listing = every_op().expect("well formed").to_string();
    for line in PAYLOADS {
        assert!(listing.lines().any(|got| got == line), "{line} is not in\n{listing}");
    }
}

#[test]
fn a_listing_that_says_everything_parses_back() {
    for program in [every_op().expect("well formed"), linear().expect("well formed")] {
        assert_eq!(format!("{program:#}").parse::<Program>().as_ref(), Ok(&program));
    }
    let program = SMALL.parse::<Program>().expect("it is well written");
    assert_eq!(program.to_string().parse::<Program>(), Ok(program));
}

#[test]
fn values_left_out_are_not_made_up() {
    let line = LINEAR.lines().position(|line| line.contains("constant")).expect("there is one");
    assert_eq!(LINEAR.parse::<Program>(), Err(TextError::Elided { line: line + 1 }));
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    let says = |from: &str, to: &str, what: &str| {
        assert!(SMALL.contains(from), "{from}");
        let error = SMALL.replacen(from, to, 1).parse::<Program>().expect_err(to).to_string();
        assert!(error.contains(what), "{to}: {error}");
    };
    says("= add", "= plus", "line 5: `plus` is no op");
    says("%1 f32[2] =", "%7 f32[2] =", "line 5: op %1 is to come here, not %7");
    says("%1 f32[2] =", "%1 f16[2] =", "line 5: `f16[2]` is to be a type");
    says("%1 f32[2] =", "%1 f32[2;2] =", "line 5: `[2;2]` is to be a list");
    says("%1 f32[2] =", "%1 f32[0] =", "line 5: axis 0 has extent 0");
    says("%1 f32[2] =", "%1 f32[2] is", "line 5: an op reads");
    says("axis=0", "extent=0", "line 6: `axis=` is to come here, not `extent=0`");
    says("axis=0", "axis=-1", "line 6: `-1` is no number here");
    says("axis=0", "", "line 6: `axis=` is to come here, not ``");
    says("axis=0", "axis=0 axis=0", "line 6: `axis=0` is more than sum takes");
    says("add %0 %0", "add %0", "op 1: takes 2 operands, got 1");
    says("add %0 %0", "add %0 %2", "has operand 2, which is not earlier");
    says("%1 f32[2] =", "%1 f32[3] =", "op 1: states another type");
    says("add %0 %0", "constant bytes=00", "line 5: a f32 tensor of shape [2] needs 8 bytes");
    says("add %0 %0", "constant bytes=0g", "line 5: `bytes=` needs two hex digits a byte");
    says("outputs %2", "outputs", "at least one output");
    says("outputs %2", "outputs 2", "line 1: `2` is to be a value such as %0");
    says("outputs %2", "outputs %3", "output 3 of 3 ops");
    let wrong = format!("program {}\noutputs %2", tensor::Hash::ZERO);
    says("outputs %2", &wrong, "the text states program 0x0000");
    says("outputs %2", "inputs %0:i32[2]\noutputs %2", "the text states inputs %0:i32[2]");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// A changed listing never panics, and whatever parses is listed as the Program that it is.
    #[test]
    fn changed_listings_never_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<char>()), 1..4),
    ) {
        let listing = format!("{:#}", every_op().expect("well formed"));
        let mut text: Vec<char> = listing.chars().collect();
        for (index, character) in changes {
            let place = index.index(text.len());
            text[place] = character;
        }
        if let Ok(program) = text.into_iter().collect::<String>().parse::<Program>() {
            prop_assert_eq!(format!("{:#}", program).parse::<Program>(), Ok(program));
        }
    }
}
