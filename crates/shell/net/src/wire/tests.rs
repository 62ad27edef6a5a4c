//! Every message survives the wire; no bytes that are not one get through, and none panic.

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{limits::ITEM_SIZE_MAX, pieces::Kind};

fn request() -> impl Strategy<Value = Request> {
    let offer = (any::<u64>(), any::<u32>(), any::<[u8; 32]>(), any::<[u8; 32]>(), bytes());
    prop_oneof![
        any::<[u8; 32]>().prop_map(|blob| Request::Get { blob }),
        offer.prop_map(|(round, node, update_root, blob, bytes)| {
            Request::Offer { round, node, update_root, blob, bytes }
        }),
        Just(Request::Status),
        any::<[u8; 32]>().prop_map(|root| Request::Tensor { root }),
        item().prop_map(|item| Request::Have { item }),
        (item(), any::<u32>())
            .prop_map(|(item, at)| Request::Piece { item, index: at % item.count() }),
        (any::<u64>(), any::<u32>(), any::<u8>()).prop_map(|(round, node, share)| Request::Share {
            round,
            node,
            share
        }),
    ]
}

fn item() -> impl Strategy<Value = Item> {
    let kinds = prop_oneof![Just(Kind::Blob), Just(Kind::Words), Just(Kind::Doubles)];
    let sizes = 1..=ITEM_SIZE_MAX / 8;
    (kinds, any::<[u8; 32]>(), sizes).prop_map(|(kind, name, eighths)| Item {
        kind,
        name,
        size: 8 * eighths,
    })
}

fn response() -> impl Strategy<Value = Response> {
    let status = (any::<Option<u32>>(), any::<u64>(), any::<u64>(), any::<u64>());
    prop_oneof![
        bytes().prop_map(Response::Blob),
        Just(Response::NotFound),
        vec(any::<u8>(), 65).prop_map(|bytes| Response::Attest {
            signature: bytes.try_into().expect("the vector has 65 elements"),
        }),
        ".{0,400}".prop_map(Response::refused),
        status.prop_map(|(node, round, block, blobs)| {
            Response::Status { node, round, block, blobs }
        }),
        bytes().prop_map(Response::Have),
        (vec(any::<Hash32>(), 0..=PATH_MAX), bytes())
            .prop_map(|(path, bytes)| Response::Piece { path, bytes }),
    ]
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..300)
}

fn body(frame: &[u8]) -> &[u8] {
    let (prefix, body) = frame.split_first_chunk::<4>().expect("a frame has a prefix");
    assert_eq!(u32::from_le_bytes(*prefix) as usize, body.len());
    body
}

proptest! {
    #[test]
    fn a_request_survives_the_wire(request in request()) {
        let frame = request.encode().expect("the fields are within limits");
        prop_assert_eq!(Request::decode(body(&frame)), Ok(request));
    }

    #[test]
    fn a_response_survives_the_wire(response in response()) {
        let frame = response.encode().expect("the fields are within limits");
        prop_assert_eq!(Response::decode(body(&frame)), Ok(response));
    }

    /// Whatever decodes is a message that encodes and decodes to itself again.
    #[test]
    fn random_bytes_decode_to_a_message_or_an_error(kind in 0u8..8, tail in bytes()) {
        let bytes = [vec![kind], tail].concat();
        if let Ok(request) = Request::decode(&bytes) {
            let frame = request.encode().expect("a decoded message is within limits");
            prop_assert_eq!(Request::decode(body(&frame)), Ok(request));
        }
        if let Ok(response) = Response::decode(&bytes) {
            let frame = response.encode().expect("a decoded message is within limits");
            prop_assert_eq!(Response::decode(body(&frame)), Ok(response));
        }
    }

    #[test]
    fn a_cut_or_lengthened_request_is_refused(request in request(), cut in 0usize..400, more: u8) {
        let frame = request.encode().expect("the fields are within limits");
        let whole = body(&frame);
        let cut = cut % whole.len();
        prop_assert!(Request::decode(&whole[..cut]).is_err());
        let longer = [whole, &[more]].concat();
        prop_assert!(Request::decode(&longer).is_err());
    }
}

/// Valid messages with bytes flipped, removed and inserted, many times over from one seed.
#[test]
fn mutated_messages_never_panic() {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).expect("the remainder is below a usize")
    };
    let offer = Request::Offer {
        round: 300,
        node: 7,
        update_root: [1; 32],
        blob: [2; 32],
        bytes: vec![3; 200],
    };
    let refused = Response::refused("no such round");
    let status = Response::Status { node: Some(3), round: 1 << 40, block: 9, blobs: 2 };
    let seeds: Vec<Vec<u8>> = [
        offer.encode(),
        refused.encode(),
        status.encode(),
        Response::Blob(vec![9; 150]).encode(),
        Response::Attest { signature: [4; 65] }.encode(),
        Request::Piece { item: Item::blob([5; 32], 1 << 20), index: 3 }.encode(),
        Request::Share { round: 1 << 40, node: 9, share: 2 }.encode(),
        Response::Piece { path: vec![[6; 32]; 3], bytes: vec![7; 40] }.encode(),
    ]
    .into_iter()
    .map(|frame| body(&frame.expect("the fields are within limits")).to_vec())
    .collect();
    let (mut accepted, mut refused) = (0, 0);
    for turn in 0..50_000 {
        let mut bytes = seeds[turn % seeds.len()].clone();
        for _ in 0..=next(4) {
            let at = next(bytes.len().min(90));
            match next(4) {
                0 => bytes[at] ^= 1 << next(8),
                1 => bytes[at] = 0xff,
                2 => bytes.insert(at, 0x80),
                _ if bytes.len() > 1 => drop(bytes.remove(at)),
                _ => bytes.push(0),
            }
        }
        for good in [Request::decode(&bytes).is_ok(), Response::decode(&bytes).is_ok()] {
            if good { accepted += 1 } else { refused += 1 }
        }
    }
    assert!(accepted > 1_000 && refused > 1_000, "the mutations were lopsided");
}

#[test]
fn a_length_that_lies_is_refused_without_being_believed() {
    // A blob of 2^28 bytes, of which five are there.
    let bytes = [0, 0x80, 0x80, 0x80, 0x80, 0x01, 1, 2, 3, 4, 5];
    assert_eq!(Response::decode(&bytes), Err(WireError::Malformed { kind: 0 }));
}

#[test]
fn limits_are_known_from_the_first_byte() {
    assert_eq!(check_size::<Request>(1, 2), Ok(()));
    let size_max = 1;
    let expected = Err(WireError::Size { kind: 2, size: 2, size_max });
    assert_eq!(check_size::<Request>(2, 2), expected);
    assert_eq!(check_size::<Request>(1, 7), Err(WireError::Kind { kind: 7 }));
    assert_eq!(check_size::<Response>(1, 7), Err(WireError::Kind { kind: 7 }));
    assert_eq!(Request::decode(&[]), Err(WireError::Empty));
}

/// The largest message of every kind is within the limit that its first byte sets.
#[test]
fn the_largest_messages_fit_their_limits() {
    let offer = Request::Offer {
        round: u64::MAX,
        node: u32::MAX,
        update_root: [0xff; 32],
        blob: [0xff; 32],
        bytes: vec![0xff; BLOB_SIZE_MAX],
    };
    let status = Response::Status {
        node: Some(u32::MAX),
        round: u64::MAX,
        block: u64::MAX,
        blobs: u64::MAX,
    };
    let frame = offer.encode().expect("the blob is just small enough");
    assert_eq!(Request::decode(body(&frame)), Ok(offer));
    let frame = status.encode().expect("a status has no field to be too long");
    assert_eq!(body(&frame).len(), Response::size_max(4).expect("four is a status"));
    let blob = Response::Blob(vec![0; BLOB_SIZE_MAX]);
    let frame = blob.encode().expect("the blob is just small enough");
    assert_eq!(Response::decode(body(&frame)), Ok(blob));
    let piece =
        Response::Piece { path: vec![[0xff; 32]; PATH_MAX], bytes: vec![0xff; PIECE_SIZE_MAX] };
    let frame = piece.encode().expect("the piece is just small enough");
    assert_eq!(Response::decode(body(&frame)), Ok(piece));
    let map = Response::Have(vec![0xff; PIECES_MAX / 8]);
    let frame = map.encode().expect("the map is just small enough");
    assert_eq!(Response::decode(body(&frame)), Ok(map));
    let item = Item::elements([0xff; 32], ITEM_SIZE_MAX / 4, 4);
    let last = Request::Piece { item, index: item.count() - 1 };
    let frame = last.encode().expect("there is such a piece");
    assert_eq!(Request::decode(body(&frame)), Ok(last));
    let reason = Response::refused("x".repeat(10_000));
    let frame = reason.encode().expect("the reason was cut");
    assert_eq!(Response::decode(body(&frame)), Ok(reason));
}

#[test]
fn what_is_too_long_is_not_sent() {
    let blob = Response::Blob(vec![0; BLOB_SIZE_MAX + 1]);
    let expected = WireError::Field { size: BLOB_SIZE_MAX + 1, size_max: BLOB_SIZE_MAX };
    assert_eq!(blob.encode(), Err(expected));
    let reason = Response::Refused { reason: "x".repeat(REASON_SIZE_MAX + 1) };
    assert!(matches!(reason.encode(), Err(WireError::Field { .. })));
}

#[test]
fn pieces_that_there_are_not_cannot_be_asked_for() {
    let item = Item::blob([1; 32], 1 << 20);
    let beyond = Request::Piece { item, index: 4 };
    assert_eq!(beyond.encode(), Err(WireError::Item { size: 1 << 20, index: 4 }));
    let odd = Request::Have { item: Item { kind: Kind::Words, size: 5, ..item } };
    assert_eq!(odd.encode(), Err(WireError::Item { size: 5, index: 0 }));
    // The same in bytes: kind 4, words, a name, five bytes.
    let bytes = [&[4, 1][..], &[1; 32], &[5]].concat();
    assert_eq!(Request::decode(&bytes), Err(WireError::Item { size: 5, index: 0 }));
    let huge = [&[4, 0][..], &[1; 32], &[0xff; 9], &[1]].concat();
    assert_eq!(Request::decode(&huge), Err(WireError::Item { size: u64::MAX, index: 0 }));
}

#[test]
fn a_reason_is_cut_at_a_character() {
    let Response::Refused { reason } = Response::refused("é".repeat(200)) else {
        panic!("a refusal is a refusal")
    };
    assert_eq!(reason.chars().count(), REASON_SIZE_MAX / 2);
}

#[test]
fn the_layout_is_the_documented_one() {
    let offer = Request::Offer {
        round: 300,
        node: 2,
        update_root: [0xaa; 32],
        blob: [0xbb; 32],
        bytes: vec![1, 2, 3],
    };
    let expected = format!("4800000001ac0202{}{}03010203", "aa".repeat(32), "bb".repeat(32));
    assert_eq!(hex::encode(offer.encode().expect("three bytes are few")), expected);
    let piece = Request::Piece { item: Item::blob([0xdd; 32], 300_000), index: 1 };
    let expected = format!("260000000500{}e0a71201", "dd".repeat(32));
    assert_eq!(hex::encode(piece.encode().expect("there is such a piece")), expected);
    let share = Request::Share { round: 300, node: 7, share: 2 };
    assert_eq!(hex::encode(share.encode().expect("it is short")), "0500000006ac020702");
    let attest = Response::Attest { signature: [0xcc; 65] };
    let expected = format!("4200000002{}", "cc".repeat(65));
    assert_eq!(hex::encode(attest.encode().expect("a signature is short")), expected);
}
