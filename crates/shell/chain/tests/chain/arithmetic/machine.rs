//! The compiled harness in an EVM without a chain around it.

use alloy::primitives::{Address, Bytes, TxKind};
use alloy::sol_types::SolCall;
use revm::{
    Context, ExecuteCommitEvm, ExecuteEvm, MainBuilder, MainContext, MainnetEvm,
    context::{TxEnv, result::ExecutionResult},
    database::InMemoryDB,
    handler::MainnetContext,
};

alloy::sol! {
    #[sol(all_derives)]
    ScalarBatch,
    "../../../contracts/artifacts/ScalarBatch.json"
}

/// An EVM with the harness deployed in it.
pub(super) struct Machine {
    evm: MainnetEvm<MainnetContext<InMemoryDB>>,
    harness: Address,
}

impl Machine {
    pub(super) fn new() -> Self {
        let context = Context::mainnet().with_db(InMemoryDB::default()).modify_cfg_chained(|cfg| {
            cfg.disable_nonce_check = true;
            cfg.tx_gas_limit_cap = Some(u64::MAX);
        });
        let mut evm = context.build_mainnet();
        let tx = transaction(TxKind::Create, ScalarBatch::BYTECODE.clone());
        let result = evm.transact_commit(tx).expect("a creation without checks is taken");
        let harness =
            result.created_address().expect("the harness has no constructor that reverts");
        Self { evm, harness }
    }

    /// Returns the results of one op on a batch of operands.
    pub(super) fn compute(&mut self, kind: [u8; 3], operands: &[[u64; 3]]) -> Vec<u64> {
        let packed: Vec<u8> = operands.iter().flatten().flat_map(|x| x.to_be_bytes()).collect();
        let call = ScalarBatch::computeCall { kind, operands: packed.into() };
        let tx = transaction(TxKind::Call(self.harness), call.abi_encode().into());
        let outcome = self.evm.transact(tx).expect("a call without checks is taken");
        let ExecutionResult::Success { output, .. } = outcome.result else {
            panic!("{kind:?}: {:?}", outcome.result)
        };
        let results = ScalarBatch::computeCall::abi_decode_returns(output.data());
        let results = results.expect("the harness returns bytes");
        let word = |bytes: &[u8]| u64::from_be_bytes(bytes.try_into().expect("eight bytes"));
        results.chunks_exact(8).map(word).collect()
    }
}

fn transaction(kind: TxKind, data: Bytes) -> TxEnv {
    TxEnv { kind, data, gas_limit: 1 << 50, gas_price: 0, ..TxEnv::default() }
}
