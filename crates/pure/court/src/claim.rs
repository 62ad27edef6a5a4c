//! Optimistic claims about the result of a Program, as a state machine over block numbers.
//!
//! The consumer that relies on a claim fixes its program and inputs; only the outputs root is the
//! asserter's word. A claim is open for a window of blocks. Unchallenged it becomes final and its
//! bond goes back. One challenge with a bond of the same size freezes it for good: it pays nobody,
//! and both bonds go back when its consumer releases it.
//!
//! Invariant: every transition is one of Open → Final, Open → Frozen, Frozen → Released, and the
//! bonds held are one for each open claim and two for each frozen one.
//!
//! Deliberately absent: balances. The machine says which bond moves; the ledger around it moves it,
//! and must refuse a call whose bond the payer does not have before it calls [`Court::handle`].

use std::fmt;

use tensor::Hash;

#[cfg(test)]
mod tests;

/// An account on the chain: the last 20 bytes of a key's hash.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(pub [u8; 20]);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where a claim stands; the numbers are those of `ICourt.State`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// It can be challenged, or, after its deadline, made final.
    Open = 1,
    /// It was challenged: nobody may rely on it.
    Frozen = 2,
    /// Its window passed without a challenge.
    Final = 3,
    /// It was frozen, and its consumer has let go of it.
    Released = 4,
}

/// The other result that somebody stated, with a bond, to freeze a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Challenge {
    /// Who stated it.
    pub challenger: Address,
    /// The outputs root the challenger computed.
    pub outputs_root: Hash,
}

/// The record of one claim, as `ICourt.claim` and `ICourt.challengerOf` give it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Claim {
    /// Hash of the Program.
    pub program: Hash,
    /// List root of its inputs, derived by the consumer.
    pub inputs_root: Hash,
    /// List root of its outputs, the asserter's word.
    pub outputs_root: Hash,
    /// Whose bond stands behind it.
    pub asserter: Address,
    /// The contract that opened the claim and relies on it.
    pub consumer: Address,
    /// Wei of the token.
    pub bond_wei: u128,
    /// Last block in which it can be challenged.
    pub deadline: u64,
    /// Where it stands.
    pub state: State,
    /// The challenge that froze it.
    pub challenge: Option<Challenge>,
}

/// What every claim of one court is subject to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Terms {
    /// Bond of an asserter, and of a challenger, in wei of the token.
    pub bond_wei: u128,
    /// Blocks after the one that posts a claim in which it can be challenged.
    pub window_blocks: u64,
}

/// Everything that can be asked of a court.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// Opens a claim; the caller is its consumer.
    Post {
        /// Hash of the Program.
        program: Hash,
        /// List root of the inputs.
        inputs_root: Hash,
        /// List root of the outputs.
        outputs_root: Hash,
        /// Who pays the bond.
        asserter: Address,
    },
    /// Freezes an open claim by stating another result; the caller pays a bond.
    Challenge {
        /// The claim.
        id: u64,
        /// The caller's own outputs root.
        outputs_root: Hash,
    },
    /// Makes an unchallenged claim final after its deadline.
    Finalise {
        /// The claim.
        id: u64,
    },
    /// Gives both bonds of a frozen claim back; only its consumer.
    Release {
        /// The claim.
        id: u64,
    },
}

/// What a transition did, in order. Bond moves are effects for the ledger around the court.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A bond passes from an account to the court.
    BondTaken {
        /// Payer.
        from: Address,
        /// Wei of the token.
        amount_wei: u128,
    },
    /// A bond goes back to the account that paid it.
    BondReturned {
        /// Payee.
        to: Address,
        /// Wei of the token.
        amount_wei: u128,
    },
    /// A claim was opened.
    Claimed {
        /// The claim.
        id: u64,
    },
    /// A claim was frozen.
    Challenged {
        /// The claim.
        id: u64,
        /// Who froze it.
        challenger: Address,
    },
    /// A claim became final.
    Finalised {
        /// The claim.
        id: u64,
    },
    /// A frozen claim was let go.
    Released {
        /// The claim.
        id: u64,
    },
}

/// Why a call changes nothing; the names are the contract's errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No claim has this number.
    #[error("there is no claim {id}")]
    UnknownClaim {
        /// The number given.
        id: u64,
    },
    /// The claim is not in the state the call needs: open, or frozen for a release.
    #[error("claim {id} is {state:?}")]
    NotOpen {
        /// The claim.
        id: u64,
        /// Where it stands.
        state: State,
    },
    /// The claim can still be challenged.
    #[error("claim {id} can be challenged until block {deadline}")]
    WindowOpen {
        /// The claim.
        id: u64,
        /// Its deadline.
        deadline: u64,
    },
    /// The claim can no longer be challenged.
    #[error("claim {id} could be challenged until block {deadline}")]
    WindowClosed {
        /// The claim.
        id: u64,
        /// Its deadline.
        deadline: u64,
    },
    /// The challenger states what the claim states.
    #[error("the challenge to claim {id} states the same outputs")]
    SameOutputs {
        /// The claim.
        id: u64,
    },
    /// An asserter cannot freeze its own claim.
    #[error("claim {id} is the caller's own")]
    OwnClaim {
        /// The claim.
        id: u64,
    },
    /// Only the consumer that opened a claim may release it.
    #[error("only the claim's consumer may release it")]
    OnlyConsumer,
}

/// All claims of one court.
///
/// ```
/// use court::{Address, Court, Event, Input, State, Terms};
/// use tensor::Hash;
///
/// let (consumer, node) = (Address([1; 20]), Address([2; 20]));
/// let mut court = Court::new(Terms { bond_wei: 10, window_blocks: 5 });
/// let root = |byte| Hash([byte; 32]);
/// let post = Input::Post {
///     program: root(1), inputs_root: root(2), outputs_root: root(3), asserter: node,
/// };
/// court.handle(100, consumer, post)?;
/// assert_eq!(court.held_wei(), 10);
/// court.handle(106, node, Input::Finalise { id: 1 })?;
/// assert_eq!(court.claim(1)?.state, State::Final);
/// assert_eq!(court.held_wei(), 0);
/// # Ok::<(), court::Refusal>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Court {
    terms: Terms,
    claims: Vec<Claim>,
}

impl Court {
    /// Returns a court without claims.
    #[must_use]
    pub fn new(terms: Terms) -> Self {
        Self { terms, claims: Vec::new() }
    }

    /// Returns the terms every claim here is subject to.
    #[must_use]
    pub fn terms(&self) -> Terms {
        self.terms
    }

    /// Returns a claim by its number; numbers start at 1 and are given in order.
    ///
    /// # Errors
    ///
    /// [`Refusal::UnknownClaim`] if no claim has it.
    pub fn claim(&self, id: u64) -> Result<Claim, Refusal> {
        let place = usize::try_from(id).ok().and_then(|id| id.checked_sub(1));
        place.and_then(|at| self.claims.get(at)).copied().ok_or(Refusal::UnknownClaim { id })
    }

    /// Returns how many claims were ever posted, which is also the number of the last one.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.claims.len() as u64
    }

    /// Returns the wei of all bonds this court holds.
    #[must_use]
    pub fn held_wei(&self) -> u128 {
        self.claims.iter().fold(0, |sum, claim| {
            sum + match claim.state {
                State::Open => claim.bond_wei,
                State::Frozen => 2 * claim.bond_wei,
                State::Final | State::Released => 0,
            }
        })
    }

    /// Applies one call in block `now` and returns what it did, or why it does nothing.
    ///
    /// # Errors
    ///
    /// A [`Refusal`] where the contract would revert; the court is then unchanged.
    pub fn handle(
        &mut self,
        now: u64,
        caller: Address,
        input: Input,
    ) -> Result<Vec<Event>, Refusal> {
        match input {
            Input::Post { program, inputs_root, outputs_root, asserter } => {
                let claim = Claim {
                    program,
                    inputs_root,
                    outputs_root,
                    asserter,
                    consumer: caller,
                    bond_wei: self.terms.bond_wei,
                    deadline: now.saturating_add(self.terms.window_blocks),
                    state: State::Open,
                    challenge: None,
                };
                self.claims.push(claim);
                let amount_wei = claim.bond_wei;
                let id = self.count();
                Ok(vec![Event::BondTaken { from: asserter, amount_wei }, Event::Claimed { id }])
            }
            Input::Challenge { id, outputs_root } => {
                self.challenge(now, caller, (id, outputs_root))
            }
            Input::Finalise { id } => self.finalise(now, id),
            Input::Release { id } => self.release(caller, id),
        }
    }

    fn open(&self, id: u64) -> Result<Claim, Refusal> {
        let claim = self.claim(id)?;
        match claim.state {
            State::Open => Ok(claim),
            state => Err(Refusal::NotOpen { id, state }),
        }
    }

    fn store(&mut self, id: u64, claim: Claim) {
        let at = usize::try_from(id - 1).expect("the claim was read by this number");
        self.claims[at] = claim;
    }

    fn challenge(
        &mut self,
        now: u64,
        challenger: Address,
        (id, outputs_root): (u64, Hash),
    ) -> Result<Vec<Event>, Refusal> {
        let mut claim = self.open(id)?;
        if now > claim.deadline {
            return Err(Refusal::WindowClosed { id, deadline: claim.deadline });
        }
        if outputs_root == claim.outputs_root {
            return Err(Refusal::SameOutputs { id });
        }
        if challenger == claim.asserter {
            return Err(Refusal::OwnClaim { id });
        }
        claim.state = State::Frozen;
        claim.challenge = Some(Challenge { challenger, outputs_root });
        self.store(id, claim);
        let taken = Event::BondTaken { from: challenger, amount_wei: claim.bond_wei };
        Ok(vec![taken, Event::Challenged { id, challenger }])
    }

    fn finalise(&mut self, now: u64, id: u64) -> Result<Vec<Event>, Refusal> {
        let mut claim = self.open(id)?;
        if now <= claim.deadline {
            return Err(Refusal::WindowOpen { id, deadline: claim.deadline });
        }
        claim.state = State::Final;
        self.store(id, claim);
        let returned = Event::BondReturned { to: claim.asserter, amount_wei: claim.bond_wei };
        Ok(vec![returned, Event::Finalised { id }])
    }

    fn release(&mut self, caller: Address, id: u64) -> Result<Vec<Event>, Refusal> {
        let mut claim = self.claim(id)?;
        let (State::Frozen, Some(challenge)) = (claim.state, claim.challenge) else {
            return Err(Refusal::NotOpen { id, state: claim.state });
        };
        if caller != claim.consumer {
            return Err(Refusal::OnlyConsumer);
        }
        claim.state = State::Released;
        self.store(id, claim);
        let amount_wei = claim.bond_wei;
        Ok(vec![
            Event::BondReturned { to: claim.asserter, amount_wei },
            Event::BondReturned { to: challenge.challenger, amount_wei },
            Event::Released { id },
        ])
    }
}
