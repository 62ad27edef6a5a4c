//! The JSON-RPC surface of the embedded chain: what a wallet or a tool sees.

use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEip2930, TxEnvelope, TxLegacy},
    eips::Encodable2718,
    network::TxSignerSync,
    primitives::{Bytes, TxKind, U256, hex},
    sol_types::{SolCall, SolEvent},
    transports::http::reqwest,
};
use chain::{Client, ClientError, contracts::dollar::DemoDollar, embedded::Server};
use serde_json::{Value, json};

use crate::fixture::{CHAIN_ID, GENESIS, connect, ether, key, start};

/// A server and a way to post raw JSON to it.
struct Wire {
    server: Server,
    http: reqwest::Client,
    _dir: tempfile::TempDir,
}

impl Wire {
    async fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        Self { server: start(dir.path()).await, http: reqwest::Client::new(), _dir: dir }
    }

    async fn post(&self, body: impl ToString) -> Value {
        let answer = self.http.post(self.server.url()).body(body.to_string()).send().await;
        answer.expect("it answers").json().await.expect("in JSON")
    }

    async fn call(&self, method: &str, params: Value) -> Value {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        self.post(request).await
    }

    async fn result(&self, method: &str, params: Value) -> Value {
        let answer = self.call(method, params).await;
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    async fn error(&self, method: &str, params: Value) -> (i64, String) {
        let answer = self.call(method, params).await;
        let error = &answer["error"];
        let code = error["code"].as_i64().unwrap_or_else(|| panic!("{method}: {answer}"));
        (code, error["message"].as_str().expect("a message").to_owned())
    }

    async fn refusal(&self, raw: impl AsRef<[u8]>) -> String {
        let raw = hex::encode_prefixed(raw);
        let (code, message) = self.error("eth_sendRawTransaction", json!([raw])).await;
        assert_eq!(code, -32_000, "{message}");
        message
    }
}

#[tokio::test]
async fn the_clock_is_the_callers() {
    let wire = Wire::new().await;
    let client = connect(&wire.server, 0).await;
    let day = GENESIS + 86_400;
    client.set_next_time(day).await.expect("the clock moves forward");
    client.mine().await.expect("a block");
    let time = |block: Value| block["timestamp"].clone();
    let latest = wire.result("eth_getBlockByNumber", json!(["latest", false])).await;
    assert_eq!(time(latest), json!(format!("{day:#x}")));
    client.mine().await.expect("a block");
    let latest = wire.result("eth_getBlockByNumber", json!(["latest", false])).await;
    assert_eq!(time(latest), json!(format!("{:#x}", day + 1)));
    let error = client.set_next_time(day).await.expect_err("the clock never moves back");
    assert!(matches!(error, ClientError::Refused { code: -32_602, .. }), "{error}");
    assert_eq!(wire.result("evm_increaseTime", json!([60])).await, json!("0x3c"));
    client.mine().await.expect("a block");
    let latest = wire.result("eth_getBlockByNumber", json!(["latest", false])).await;
    assert_eq!(time(latest), json!(format!("{:#x}", day + 61)));
}

#[tokio::test]
async fn quiet_chains_go_on() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let config = chain::embedded::Config { block_ms_max: 1, ..crate::fixture::config(dir.path()) };
    let server = Server::start(config).await.expect("it starts");
    let client = connect(&server, 0).await;
    // Every look takes longer than nothing, so that blocks pass; the test ends when three have.
    while client.block_number().await.expect("an answer") < 3 {}
    server.stop().await;
}

#[tokio::test]
async fn sends_of_one_key_at_the_same_time() {
    let wire = Wire::new().await;
    let rich = connect(&wire.server, 1).await;
    let to = key(50).address();
    let (a, b, c) =
        tokio::join!(rich.pay(to, ether(1)), rich.pay(to, ether(2)), rich.pay(to, ether(3)));
    for mined in [a, b, c] {
        assert_eq!(mined.expect("each is mined").gas_used, 21_000);
    }
    assert_eq!(rich.balance(to).await.expect("an answer"), ether(6));
    assert_eq!(rich.next_nonce().await.expect("an answer"), 3);
}

#[tokio::test]
async fn one_sentence_for_what_is_wrong_with_the_chain() {
    let wire = Wire::new().await;
    let poor = connect(&wire.server, 99).await;
    let error = poor.pay(key(1).address(), U256::from(1)).await.expect_err("it has nothing");
    assert!(error.to_string().contains("lack of funds"), "{error}");
    let url = wire.server.url();
    wire.server.stop().await;
    let error = Client::connect(&url, key(1)).await.expect_err("nobody is there");
    assert!(matches!(error, ClientError::Down { .. }) && error.is_transient(), "{error}");
    assert!(error.to_string().starts_with(&format!("no chain answers at {url}: ")), "{error}");
    let error = Client::connect("not a url", key(1)).await.expect_err("it is not a URL");
    assert!(matches!(error, ClientError::Url { .. }), "{error}");
}

fn transfer(nonce: u64) -> TxEip1559 {
    TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 2_000_000_000,
        max_priority_fee_per_gas: 1,
        to: TxKind::Call(key(9).address()),
        value: U256::from(1),
        ..TxEip1559::default()
    }
}

fn signed<T>(mut tx: T) -> Vec<u8>
where
    T: SignableTransaction<alloy::primitives::Signature>,
    TxEnvelope: From<alloy::consensus::Signed<T>>,
{
    let signature = key(0).sign_transaction_sync(&mut tx).expect("it signs");
    TxEnvelope::from(tx.into_signed(signature)).encoded_2718()
}

#[tokio::test]
async fn transactions_that_are_refused() {
    let wire = Wire::new().await;
    let far = TxEip1559 { nonce: 65, ..transfer(0) };
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (vec![], "invalid transaction encoding"),
        (vec![3, 0xc0], "transaction type not supported"),
        (vec![0x42; 40], "invalid transaction encoding"),
        (vec![2; 200_000], "oversized data"),
        (signed(TxEip1559 { chain_id: 1, ..transfer(0) }), "invalid chain id for signer"),
        (signed(TxLegacy { gas_limit: 21_000, ..TxLegacy::default() }), "only replay-protected"),
        (signed(TxEip1559 { gas_limit: 20_999, ..transfer(0) }), "intrinsic gas too low"),
        (signed(TxEip1559 { gas_limit: 1 << 25, ..transfer(0) }), "exceeds block gas limit"),
        (signed(TxEip1559 { max_fee_per_gas: 5, ..transfer(0) }), "max fee per gas less than"),
        (
            signed(TxEip1559 { max_priority_fee_per_gas: 3_000_000_000, ..transfer(0) }),
            "max priority fee per gas higher",
        ),
        (signed(TxEip1559 { value: ether(2_000), ..transfer(0) }), "insufficient funds for gas"),
        (signed(far), "nonce too high"),
    ];
    for (raw, expected) in cases {
        let message = wire.refusal(raw).await;
        assert!(message.starts_with(expected), "{message}");
    }
    // What waits is known, and replaced only for a better fee.
    let gap = transfer(1);
    wire.result("eth_sendRawTransaction", json!([hex::encode_prefixed(signed(gap.clone()))])).await;
    assert_eq!(wire.refusal(signed(gap.clone())).await, "already known");
    let same = TxEip1559 { value: U256::from(2), ..gap.clone() };
    assert_eq!(wire.refusal(signed(same.clone())).await, "replacement transaction underpriced");
    let better = TxEip1559 { max_fee_per_gas: 3_000_000_000, ..same };
    wire.result("eth_sendRawTransaction", json!([hex::encode_prefixed(signed(better))])).await;
    let client = connect(&wire.server, 0).await;
    client.pay(key(9).address(), U256::from(5)).await.expect("it closes the gap");
    while client.next_nonce().await.expect("an answer") < 2 {}
    client.mine().await.expect("a block");
    assert_eq!(client.balance(key(9).address()).await.expect("an answer"), U256::from(7));
    assert!(wire.refusal(signed(transfer(0))).await.starts_with("nonce too low"));
}

#[tokio::test]
async fn every_supported_kind_of_transaction_and_how_it_is_shown() {
    let wire = Wire::new().await;
    let to = TxKind::Call(key(9).address());
    let legacy = TxLegacy {
        chain_id: Some(CHAIN_ID),
        gas_price: 2_000_000_000,
        gas_limit: 21_000,
        to,
        ..TxLegacy::default()
    };
    let listed = TxEip2930 {
        chain_id: CHAIN_ID,
        nonce: 1,
        gas_price: 2_000_000_000,
        gas_limit: 21_000,
        to,
        ..TxEip2930::default()
    };
    let kinds = [(signed(legacy), "0x0"), (signed(listed), "0x1"), (signed(transfer(2)), "0x2")];
    for (raw, kind) in kinds {
        let raw = json!([hex::encode_prefixed(raw)]);
        let hash = wire.result("eth_sendRawTransaction", raw).await;
        wire.result("evm_mine", json!([])).await;
        let receipt = wire.result("eth_getTransactionReceipt", json!([hash])).await;
        assert_eq!((&receipt["status"], &receipt["type"]), (&json!("0x1"), &json!(kind)));
        let shown = wire.result("eth_getTransactionByHash", json!([hash])).await;
        assert_eq!((&shown["hash"], &shown["type"]), (&hash, &json!(kind)));
        let number = &receipt["blockNumber"];
        let block = wire.result("eth_getBlockByNumber", json!([number, false])).await;
        assert_eq!(block["transactions"], json!([hash]));
        let by_hash = wire.result("eth_getBlockByHash", json!([block["hash"], true])).await;
        assert_eq!(by_hash["transactions"][0], shown);
    }
    let unknown = format!("{:#066x}", 1);
    for method in ["eth_getTransactionReceipt", "eth_getTransactionByHash"] {
        assert_eq!(wire.result(method, json!([unknown])).await, Value::Null);
    }
}

#[tokio::test]
async fn contracts_logs_filters_and_reverts() {
    let wire = Wire::new().await;
    let client = connect(&wire.server, 0).await;
    let filter = wire.result("eth_newFilter", json!([{}])).await;
    let blocks = wire.result("eth_newBlockFilter", json!([])).await;
    let sent = client.submit(None, DemoDollar::BYTECODE.clone(), U256::ZERO).await;
    let mined = client.wait(sent.expect("it is sent")).await.expect("it is mined");
    let dollar = mined.created.expect("a contract");
    let code = wire.result("eth_getCode", json!([dollar, "latest"])).await;
    assert!(code.as_str().is_some_and(|code| code.len() > 1_000));

    let account = key(3).address();
    let mint = DemoDollar::mintCall { account, amount: ether(5) };
    let minted = client.send(dollar, mint).await.expect("anybody mints");
    let topics = json!([DemoDollar::Transfer::SIGNATURE_HASH, null, account.into_word()]);
    let ask = json!([{ "fromBlock": "earliest", "address": dollar, "topics": topics }]);
    let logs = wire.result("eth_getLogs", ask).await;
    assert_eq!(logs.as_array().map(Vec::len), Some(1));
    assert_eq!(logs[0]["transactionHash"], json!(minted.hash));
    assert_eq!(wire.result("eth_getFilterChanges", json!([filter])).await, logs);
    assert_eq!(wire.result("eth_getFilterChanges", json!([filter])).await, json!([]));
    let seen = wire.result("eth_getFilterChanges", json!([blocks])).await;
    assert_eq!(seen.as_array().map(Vec::len), Some(2));
    assert_eq!(wire.result("eth_uninstallFilter", json!([blocks])).await, json!(true));
    assert_eq!(wire.error("eth_getFilterChanges", json!([blocks])).await.0, -32_000);
    let backwards = json!([{ "fromBlock": "0x2", "toBlock": "0x1" }]);
    assert_eq!(wire.error("eth_getLogs", backwards).await.0, -32_602);

    let input = DemoDollar::transferCall { to: dollar, value: ether(6) }.abi_encode();
    let call = json!([{ "from": account, "to": dollar, "data": hex::encode_prefixed(input) }]);
    for method in ["eth_call", "eth_estimateGas"] {
        let answer = wire.call(method, call.clone()).await;
        assert_eq!(answer["error"]["code"], json!(3));
        let data: Bytes = serde_json::from_value(answer["error"]["data"].clone()).expect("bytes");
        let named = chain::abi::error(&data).expect("one of the contract's errors");
        assert_eq!(named.name, "ERC20InsufficientBalance");
        let expected = format!(
            "ERC20InsufficientBalance(sender: {account}, balance: {}, needed: {})",
            ether(5),
            ether(6)
        );
        assert_eq!(named.to_string(), expected);
    }
}

#[tokio::test]
async fn state_of_the_past_is_refused_in_a_sentence() {
    let wire = Wire::new().await;
    let client = connect(&wire.server, 0).await;
    client.mine().await.expect("a block");
    client.mine().await.expect("a block");
    let address = client.address();
    wire.result("eth_getBalance", json!([address, "0x2"])).await;
    let (code, message) = wire.error("eth_getBalance", json!([address, "0x1"])).await;
    assert_eq!(code, -32_000);
    assert!(message.contains("the state of block 1 is not kept"), "{message}");
    let (_, message) = wire.error("eth_call", json!([{ "to": address }, "0x9"])).await;
    assert_eq!(message, "header not found");
    assert_eq!(wire.result("eth_getBlockByNumber", json!(["0x9", true])).await, Value::Null);
}

#[tokio::test]
async fn what_wallets_ask_first() {
    let wire = Wire::new().await;
    let id = format!("{CHAIN_ID:#x}");
    assert_eq!(wire.result("eth_chainId", json!([])).await, json!(id));
    assert_eq!(wire.result("net_version", json!([])).await, json!(CHAIN_ID.to_string()));
    assert_eq!(wire.result("net_listening", json!([])).await, json!(true));
    assert_eq!(wire.result("eth_accounts", json!([])).await, json!([]));
    assert_eq!(wire.result("eth_syncing", json!([])).await, json!(false));
    assert_eq!(wire.result("eth_gasPrice", json!([])).await, json!("0x3b9aca00"));
    let version = wire.result("web3_clientVersion", json!([])).await;
    assert!(version.as_str().is_some_and(|version| version.starts_with("assay/")));
    wire.result("evm_mine", json!([])).await;
    let history = wire.result("eth_feeHistory", json!(["0x4", "latest", [10, 50]])).await;
    assert_eq!(history["oldestBlock"], json!("0x0"));
    assert_eq!(history["baseFeePerGas"].as_array().map(Vec::len), Some(3));
    assert_eq!(history["reward"], json!([["0x0", "0x0"], ["0x0", "0x0"]]));
    let slot = json!([key(0).address(), "0x0", "latest"]);
    assert_eq!(wire.result("eth_getStorageAt", slot).await, json!(format!("{:#066x}", 0)));
    let transfer = json!([{ "from": key(0).address(), "to": key(1).address(), "value": "0x1" }]);
    assert_eq!(wire.result("eth_estimateGas", transfer).await, json!("0x5208"));
}

#[tokio::test]
async fn json_rpc_to_the_letter() {
    let wire = Wire::new().await;
    let code = |answer: &Value| answer["error"]["code"].as_i64();
    assert_eq!(code(&wire.post("{").await), Some(-32_700));
    assert_eq!(code(&wire.post("{}").await), Some(-32_600));
    assert_eq!(code(&wire.post("[]").await), Some(-32_600));
    assert_eq!(wire.error("eth_nothing", json!([])).await.0, -32_601);
    assert_eq!(wire.error("eth_getBalance", json!([])).await.0, -32_602);
    assert_eq!(wire.error("eth_getBalance", json!(["0x12"])).await.0, -32_602);
    assert_eq!(wire.error("eth_getBalance", json!({ "address": 1 })).await.0, -32_602);
    let batch = json!([
        { "jsonrpc": "2.0", "id": "a", "method": "eth_blockNumber" },
        { "jsonrpc": "2.0", "method": "eth_blockNumber" },
        { "jsonrpc": "2.0", "id": 7, "method": "eth_nothing" },
    ]);
    let answers = wire.post(batch).await;
    assert_eq!(answers.as_array().map(Vec::len), Some(2));
    assert_eq!((&answers[0]["id"], &answers[0]["result"]), (&json!("a"), &json!("0x0")));
    assert_eq!((&answers[1]["id"], code(&answers[1])), (&json!(7), Some(-32_601)));
}

#[tokio::test]
async fn browsers_and_strangers() {
    let wire = Wire::new().await;
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "evm_mine" }).to_string();
    let post = |name: &'static str, value: &'static str| {
        wire.http.post(wire.server.url()).header(name, value).body(body.clone()).send()
    };
    let foreign = post("origin", "https://example.org").await.expect("it answers");
    assert_eq!(foreign.headers()["access-control-allow-origin"], "*");
    let answer: Value = foreign.json().await.expect("in JSON");
    assert_eq!(answer["error"]["code"], json!(-32_000));
    let own: Value = post("origin", "http://localhost:3000")
        .await
        .expect("it answers")
        .json()
        .await
        .expect("in JSON");
    assert_eq!(own["result"], json!("0x0"));
    let rebound = post("host", "evil.example").await.expect("it answers");
    assert_eq!(rebound.status(), 403);
    let preflight = wire.http.request(reqwest::Method::OPTIONS, wire.server.url()).send().await;
    assert_eq!(preflight.expect("it answers").status(), 204);
    let large = wire.http.post(wire.server.url()).body(vec![b' '; 5 << 20]).send().await;
    assert!(large.is_err() || large.is_ok_and(|answer| answer.status() == 413));
}
