//! A chain with a court of its own, on which the Program can be claimed about.

use std::path::Path;

use alloy::{
    primitives::{Address, U256, keccak256, utils::Unit},
    signers::local::PrivateKeySigner,
};
use anyhow::{Context as _, bail};
use chain::{
    ClaimState, Client,
    contracts::court::Court,
    deploy::{CourtTerms, deploy_court},
    embedded::{CHAIN_ID, Config, Server},
};
use tensor::Hash;

use crate::work::Work;

/// Whoever relies on claims, and the two sides.
pub(crate) struct Scene {
    _server: Server,
    consumer: Client,
    pub(crate) honest: Client,
    pub(crate) liar: Client,
    program: Hash,
}

/// The key of a party; the same in every process.
pub(crate) fn key(name: &str) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&keccak256(name)).expect("a hash is a key")
}

fn ether(n: u64) -> U256 {
    Unit::ETHER.wei() * U256::from(n)
}

impl Scene {
    /// Starts the chain, deploys, and waits until claims about the Program are taken.
    pub(crate) async fn open(dir: &Path, work: &Work) -> anyhow::Result<Scene> {
        let keys = ["consumer", "honest", "liar"].map(key);
        let server = Server::start(Config {
            dir: dir.to_owned(),
            chain_id: CHAIN_ID,
            port: 0,
            genesis_time: 1,
            block_ms_min: 0,
            block_ms_max: 10_000,
            funded: keys.iter().map(|key| (key.address(), ether(1_000))).collect(),
        })
        .await?;
        let [consumer, honest, liar] = keys;
        let consumer = Client::connect(&server.url(), consumer).await?;
        let terms = CourtTerms {
            supply: ether(1_000_000),
            bond: ether(10),
            window_blocks: 20,
            clock_blocks: 1_000,
            gas_price_cap: U256::from(500_000_000),
            consumers: vec![consumer.address()],
        };
        let deployment = deploy_court(&consumer, &terms).await?;
        let (programs, court) = (deployment.programs, deployment.court);
        let consumer = consumer.with(deployment);
        let (honest, liar) = (consumer.with_signer(honest), consumer.with_signer(liar));
        consumer.approve(programs, U256::MAX).await?;
        for party in [&honest, &liar] {
            consumer.transfer(party.address(), ether(1_000)).await?;
            party.approve(court, U256::MAX).await?;
        }
        let program = work.program.hash();
        let word = node::word(program);
        let encoding = work.program.encode().into();
        let mined = consumer.register_program(word, encoding).await?;
        eprintln!("registered for {} gas", mined.gas_used);
        while !consumer.program_ready(word).await? {
            consumer.mine().await?;
        }
        Ok(Scene { _server: server, consumer, honest, liar, program })
    }

    /// Posts a claim and returns its id.
    pub(crate) async fn post(
        &self,
        inputs_root: Hash,
        outputs_root: Hash,
        asserter: Address,
    ) -> anyhow::Result<U256> {
        let call = Court::postCall {
            program: node::word(self.program),
            inputsRoot: node::word(inputs_root),
            outputsRoot: node::word(outputs_root),
            asserter,
            iterations: 1,
            parents: Vec::new(),
        };
        let court = self.consumer.deployment().court;
        self.consumer.send(court, call).await?;
        let count = self.consumer.view(court, Court::claimCountCall {}).await?;
        Ok(count)
    }

    /// Waits until a claim is challenged.
    pub(crate) async fn wait_for_dispute(&self, claim: U256) -> anyhow::Result<()> {
        while self.consumer.claim(claim).await?.state == 1 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        Ok(())
    }

    /// Whether a claim whose dispute has ended was struck.
    pub(crate) async fn asserter_lost(&self, claim: U256) -> anyhow::Result<bool> {
        let state = self.consumer.claim(claim).await?.state;
        match ClaimState::from_word(state).context("there is no such claim")? {
            ClaimState::Struck => Ok(true),
            ClaimState::Open | ClaimState::Final => Ok(false),
            other => bail!("the claim is {other:?}"),
        }
    }
}
