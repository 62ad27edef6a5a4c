//! The calls and views that nodes use, by name.
//!
//! Thin on purpose: each is one contract entry point, with the contract's own rules and errors.

use alloy::primitives::{Address, B256, Bytes, U256};

use super::{Client, ClientError, Mined};
use crate::contracts::{
    registry::{IRegistry, Registry},
    rewards::Rewards,
    rounds::{IRounds, Rounds},
    token::AssayToken,
};

/// Token, stakes and pay. Amounts are in wei of the token.
///
/// # Errors
///
/// Every method: [`ClientError::Reverted`] with the error its contract's interface documents, and
/// those of [`Client::send`] or [`Client::view`].
impl Client {
    /// Sends tokens.
    pub async fn transfer(&self, to: Address, value: U256) -> Result<Mined, ClientError> {
        self.send(self.deployment().token, AssayToken::transferCall { to, value }).await
    }

    /// Lets `spender` take tokens.
    pub async fn approve(&self, spender: Address, value: U256) -> Result<Mined, ClientError> {
        self.send(self.deployment().token, AssayToken::approveCall { spender, value }).await
    }

    /// Approves the contracts that take stake, bonds and funds, without limit. Done once a key.
    pub async fn approve_all(&self) -> Result<(), ClientError> {
        let at = self.deployment();
        let all = [at.registry, at.programs, at.court, at.rewards, at.feed, at.spot];
        for spender in all.into_iter().filter(|spender| !spender.is_zero()) {
            let owner = self.address();
            let allowance = AssayToken::allowanceCall { owner, spender };
            if self.view(at.token, allowance).await? < U256::MAX >> 1 {
                self.approve(spender, U256::MAX).await?;
            }
        }
        Ok(())
    }

    /// Returns an account's tokens.
    pub async fn tokens(&self, account: Address) -> Result<U256, ClientError> {
        self.view(self.deployment().token, AssayToken::balanceOfCall { account }).await
    }

    /// Joins the registry with a stake and returns the index it gave. Needs an allowance for the
    /// registry.
    pub async fn join(
        &self,
        payee: Address,
        peer: B256,
        endpoint: &str,
        amount: U256,
    ) -> Result<u32, ClientError> {
        let call = Registry::joinCall { payee, peer, endpoint: endpoint.to_owned(), amount };
        self.send(self.deployment().registry, call).await?;
        self.index_of(self.address()).await
    }

    /// Announces where this node's endpoint is reached now.
    pub async fn announce(&self, peer: B256, endpoint: &str) -> Result<Mined, ClientError> {
        let call = Registry::announceCall { peer, endpoint: endpoint.to_owned() };
        self.send(self.deployment().registry, call).await
    }

    /// Adds to this node's stake.
    pub async fn add_stake(&self, amount: U256) -> Result<Mined, ClientError> {
        self.send(self.deployment().registry, Registry::addStakeCall { amount }).await
    }

    /// Stops taking part; the stake can be withdrawn after the unbonding time.
    pub async fn leave(&self) -> Result<Mined, ClientError> {
        self.send(self.deployment().registry, Registry::leaveCall {}).await
    }

    /// Withdraws the stake after unbonding.
    pub async fn withdraw_stake(&self) -> Result<Mined, ClientError> {
        self.send(self.deployment().registry, Registry::withdrawCall {}).await
    }

    /// Returns the registry index of a key; reverts with `NotJoined` for a stranger.
    pub async fn index_of(&self, key: Address) -> Result<u32, ClientError> {
        self.view(self.deployment().registry, Registry::indexOfCall { key }).await
    }

    /// Returns the registry index of a key, or nothing for a stranger.
    pub async fn find(&self, key: Address) -> Result<Option<u32>, ClientError> {
        let found = self.view(self.deployment().registry, Registry::findCall { key }).await?;
        Ok(found.joined.then_some(found.index))
    }

    /// Returns the node at a registry index; all zero for an index nobody had.
    pub async fn node(&self, index: u32) -> Result<IRegistry::Node, ClientError> {
        self.view(self.deployment().registry, Registry::nodeCall { index }).await
    }

    /// Returns whether a node takes seats.
    pub async fn is_active(&self, index: u32) -> Result<bool, ClientError> {
        self.view(self.deployment().registry, Registry::isActiveCall { index }).await
    }

    /// Returns every node by index.
    pub async fn nodes(&self) -> Result<Vec<IRegistry::Node>, ClientError> {
        let registry = self.deployment().registry;
        let count = self.view(registry, Registry::nodeCountCall {}).await?;
        let mut nodes = Vec::new();
        for index in 0..count {
            nodes.push(self.view(registry, Registry::nodeCall { index }).await?);
        }
        Ok(nodes)
    }

    /// Pays into the pot rounds are paid from. Needs an allowance for the rewards contract.
    pub async fn fund(&self, amount: U256) -> Result<Mined, ClientError> {
        self.send(self.deployment().rewards, Rewards::fundCall { amount }).await
    }

    /// Returns the pot: what was paid in, ever.
    pub async fn funded(&self) -> Result<U256, ClientError> {
        self.view(self.deployment().rewards, Rewards::fundedCall {}).await
    }

    /// Claims what is due to a node, given the chunk of the cumulative tensor that holds its
    /// element and the path from that chunk to the posted root.
    pub async fn claim_reward(
        &self,
        node: u32,
        chunk: Bytes,
        siblings: Vec<B256>,
    ) -> Result<Mined, ClientError> {
        self.send(self.deployment().rewards, Rewards::claimCall { node, chunk, siblings }).await
    }

    /// Returns what a node was paid so far.
    pub async fn paid(&self, node: u32) -> Result<U256, ClientError> {
        self.view(self.deployment().rewards, Rewards::paidCall { node }).await
    }
}

/// Rounds.
///
/// # Errors
///
/// Every method: [`ClientError::Reverted`] with the error its contract's interface documents, and
/// those of [`Client::send`] or [`Client::view`].
impl Client {
    /// Opens the next round.
    pub async fn open_round(&self) -> Result<Mined, ClientError> {
        self.send(self.deployment().rounds, Rounds::openCall {}).await
    }

    /// Draws the seats of the round that opened.
    pub async fn draw_seats(&self) -> Result<Mined, ClientError> {
        self.send(self.deployment().rounds, Rounds::drawCall {}).await
    }

    /// Commits to an update.
    pub async fn commit(&self, round: u64, commitment: B256) -> Result<Mined, ClientError> {
        self.send(self.deployment().rounds, Rounds::commitCall { round, commitment }).await
    }

    /// Reveals an update with a certificate of availability.
    pub async fn reveal(&self, reveal: Reveal) -> Result<Mined, ClientError> {
        let Reveal { round, update_root, salt, blob, signatures } = reveal;
        let call = Rounds::revealCall { round, updateRoot: update_root, salt, blob, signatures };
        self.send(self.deployment().rounds, call).await
    }

    /// Reveals an update by putting its bytes on the chain.
    pub async fn reveal_with_data(
        &self,
        round: u64,
        salt: B256,
        blob: B256,
        update: Bytes,
    ) -> Result<Mined, ClientError> {
        let call = Rounds::revealWithDataCall { round, salt, blob, update };
        self.send(self.deployment().rounds, call).await
    }

    /// Posts the result of the aggregation. Needs an allowance for the court, which takes the bond.
    pub async fn post_result(&self, round: u64, outputs_root: B256) -> Result<Mined, ClientError> {
        let call = Rounds::postResultCall { round, outputsRoot: outputs_root };
        self.send(self.deployment().rounds, call).await
    }

    /// Settles a round whose claim's window has passed.
    pub async fn settle(
        &self,
        round: u64,
        output_roots: Vec<B256>,
        accepted_chunk: Bytes,
    ) -> Result<Mined, ClientError> {
        let call =
            Rounds::settleCall { round, outputRoots: output_roots, acceptedChunk: accepted_chunk };
        self.send(self.deployment().rounds, call).await
    }

    /// Closes a phase whose deadline has passed.
    pub async fn poke(&self) -> Result<Mined, ClientError> {
        self.send(self.deployment().rounds, Rounds::pokeCall {}).await
    }

    /// Returns the running round, or the last one, with the phase as of the latest block.
    pub async fn round(&self) -> Result<IRounds::Round, ClientError> {
        self.view(self.deployment().rounds, Rounds::currentCall {}).await
    }

    /// Returns what the rounds were deployed with.
    pub async fn round_config(&self) -> Result<IRounds::Config, ClientError> {
        self.view(self.deployment().rounds, Rounds::configCall {}).await
    }

    /// Returns the registry index of the node whose turn it is to post the result.
    pub async fn aggregator(&self) -> Result<u32, ClientError> {
        self.view(self.deployment().rounds, Rounds::aggregatorCall {}).await
    }

    /// Returns the root of the inputs of the round's aggregation.
    pub async fn inputs_root(&self) -> Result<B256, ClientError> {
        self.view(self.deployment().rounds, Rounds::inputsRootCall {}).await
    }

    /// Returns the commitment to an update, as the contract computes it.
    pub async fn commitment_of(
        &self,
        round: u64,
        node: u32,
        update_root: B256,
        salt: B256,
    ) -> Result<B256, ClientError> {
        let call = Rounds::commitmentOfCall { round, node, updateRoot: update_root, salt };
        self.view(self.deployment().rounds, call).await
    }

    /// Returns the digest that holders of an update sign, as the contract computes it.
    pub async fn availability_digest(
        &self,
        round: u64,
        node: u32,
        update_root: B256,
        blob: B256,
    ) -> Result<B256, ClientError> {
        let call = Rounds::availabilityDigestCall { round, node, updateRoot: update_root, blob };
        self.view(self.deployment().rounds, call).await
    }
}

/// What a reveal with a certificate says; docs/protocol.md §2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reveal {
    /// Number of the round.
    pub round: u64,
    /// Tensor root of the update.
    pub update_root: B256,
    /// Salt of the commitment.
    pub salt: B256,
    /// BLAKE3 of the update's bytes.
    pub blob: B256,
    /// 65-byte signatures of the holders, one after another, by ascending registry index.
    pub signatures: Bytes,
}
