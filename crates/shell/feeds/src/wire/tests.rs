//! The venues' own messages, as they were captured, and every way of spoiling them.

mod captures;
mod hostile;

use std::path::{Path, PathBuf};

use crate::{Message, Venue};

/// The folder of captures beside the checkout, or `None` with a line that says so.
fn captures(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data").join(name);
    if path.is_dir() {
        return Some(path);
    }
    use std::io::Write as _;
    writeln!(std::io::stderr(), "skipped: {} is not here", path.display()).expect("stderr is open");
    None
}

/// OKX has stopped summing: its zero is no checksum.
#[test]
fn a_sum_of_zero_is_none() {
    let update = |sum: &str| {
        let raw = format!(
            r#"{{"arg":{{"channel":"books","instId":"X"}},"action":"update","data":[{{"asks":[],
                "bids":[],"ts":"1","checksum":{sum},"prevSeqId":5,"seqId":6}}]}}"#
        );
        match Venue::Okx.parse(raw.as_bytes()).as_deref() {
            Ok([Message::BookDelta(delta)]) => delta.checksum,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((update("0"), update("-1")), (None, Some(u32::MAX)));
}
