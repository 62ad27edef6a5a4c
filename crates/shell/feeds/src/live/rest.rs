//! Questions over REST that keep to the venue's limits.
//!
//! Weights are spread evenly: a question of weight w takes w parts of the minute. Told to wait
//! (429, or Binance's 418), nobody asks for as long as `Retry-After` says; the venue in trouble
//! (5xx) or out of reach is asked again later each time. The limit is the machine's, so all
//! collectors of a venue share one [`Rest`].

use std::sync::Mutex;
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use reqwest::header::RETRY_AFTER;
use thiserror::Error;

use super::Pause;
use super::plan::{Request, weight_a_minute};
use crate::Venue;

/// How often one question is asked.
const ATTEMPTS: u32 = 6;
/// The longest a venue may tell us to wait.
const WAIT_MAX: Duration = Duration::from_secs(600);
/// The wait before the second attempt, doubled each time.
const BACKOFF: Duration = Duration::from_millis(500);
/// The wait where a venue says 429 and not how long.
const LIMITED: Duration = Duration::from_secs(30);
/// The largest answer.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// Why a venue did not answer.
#[derive(Debug, Error)]
pub enum RestError {
    /// It cannot be reached.
    #[error("{url} cannot be reached: {reason}")]
    Unreachable {
        /// The address.
        url: String,
        /// What the network said.
        reason: String,
    },
    /// It answered that it will not.
    #[error("{url} answered {status}: {reason}")]
    Status {
        /// The address.
        url: String,
        /// The HTTP status.
        status: u16,
        /// The beginning of its words.
        reason: String,
    },
    /// It says to wait for longer than we do.
    #[error("{url} wants no questions for {wait_s} s; ask less, or wait and start again")]
    Limited {
        /// The address.
        url: String,
        /// For how long, in seconds.
        wait_s: u64,
    },
    /// The answer is beyond all size.
    #[error("{url} answered more than {ANSWER_BYTES_MAX} bytes")]
    Large {
        /// The address.
        url: String,
    },
}

/// A venue's REST interface.
#[derive(Debug)]
pub struct Rest {
    client: reqwest::Client,
    base: String,
    /// The time that one part of the venue's weight takes.
    part: Duration,
    /// When the next question may be asked.
    free: Mutex<Instant>,
    pause: Pause,
}

/// What came of one attempt.
enum Outcome {
    Answer(Vec<u8>),
    Again(Duration, RestError),
}

impl Rest {
    /// Returns a venue's interface at an address.
    ///
    /// # Panics
    ///
    /// Where the machine has no source of certificates or randomness.
    #[must_use]
    pub fn new(venue: Venue, base: &str, pause: Pause) -> Self {
        let client = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(10))
            .timeout(Duration::from_secs(60))
            .user_agent(concat!("assay/", env!("CARGO_PKG_VERSION")));
        Self {
            client: client.build().expect("TLS starts as it does for the chain's client"),
            base: base.trim_end_matches('/').to_owned(),
            part: Duration::from_secs(60) / weight_a_minute(venue),
            free: Mutex::new(Instant::now()),
            pause,
        }
    }

    /// Asks, within the venue's limits, until there is an answer.
    ///
    /// # Errors
    ///
    /// [`RestError`] where the venue refuses, or does not answer six times in a row.
    pub async fn ask(&self, request: &Request) -> Result<Vec<u8>, RestError> {
        let mut attempt = 0;
        loop {
            self.turn(request).await?;
            let (wait, error) = match self.attempt(request, attempt).await? {
                Outcome::Answer(bytes) => return Ok(bytes),
                Outcome::Again(wait, error) => (wait, error),
            };
            attempt += 1;
            if attempt == ATTEMPTS {
                return Err(error);
            }
            tracing::debug!(%error, ?wait, "asking again");
            (self.pause)(wait).await;
        }
    }

    /// How this waits.
    pub(super) fn pause(&self) -> Pause {
        self.pause
    }

    /// Lets nobody ask for so long, or for a year where the venue says nonsense.
    fn hold(&self, wait: Duration) {
        let until = Instant::now() + wait.min(Duration::from_secs(365 * 86_400));
        let mut free = self.free.lock().expect("nothing panics while it is held");
        *free = (*free).max(until);
    }

    /// Waits for our turn and takes it; not where the venue's ban is too long to be waited for.
    async fn turn(&self, request: &Request) -> Result<(), RestError> {
        let now = Instant::now();
        let wait = {
            let mut free = self.free.lock().expect("nothing panics while it is held");
            let wait = free.saturating_duration_since(now);
            if wait <= WAIT_MAX {
                *free = now + wait + self.part * request.weight;
            }
            wait
        };
        if wait > WAIT_MAX {
            let url = format!("{}{}", self.base, request.path);
            return Err(RestError::Limited { url, wait_s: wait.as_secs() });
        }
        if !wait.is_zero() {
            (self.pause)(wait).await;
        }
        Ok(())
    }

    async fn attempt(&self, request: &Request, attempt: u32) -> Result<Outcome, RestError> {
        let url = format!("{}{}", self.base, request.path);
        let later = BACKOFF * 2_u32.pow(attempt);
        let unreachable = |error: reqwest::Error| RestError::Unreachable {
            url: url.clone(),
            reason: root_cause(&error),
        };
        let builder = match &request.body {
            None => self.client.get(&url),
            Some(body) => {
                let json = reqwest::header::CONTENT_TYPE;
                self.client.post(&url).header(json, "application/json").body(body.clone())
            }
        };
        let mut response = match builder.send().await {
            Ok(response) => response,
            Err(error) => return Ok(Outcome::Again(later, unreachable(error))),
        };
        let (status, told) = (response.status(), retry_after(&response));
        let mut bytes = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if bytes.len() + chunk.len() > ANSWER_BYTES_MAX => {
                    return Err(RestError::Large { url });
                }
                Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
                Ok(None) => break,
                Err(error) => return Ok(Outcome::Again(later, unreachable(error))),
            }
        }
        if status.is_success() {
            return Ok(Outcome::Answer(bytes));
        }
        let words = String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).trim().to_owned();
        let refused =
            RestError::Status { url: url.clone(), status: status.as_u16(), reason: words };
        if status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::IM_A_TEAPOT {
            let wait = told.unwrap_or(LIMITED);
            self.hold(wait);
            if wait > WAIT_MAX {
                return Err(RestError::Limited { url, wait_s: wait.as_secs() });
            }
            return Ok(Outcome::Again(wait, refused));
        }
        if status.is_server_error() {
            return Ok(Outcome::Again(told.unwrap_or(later).min(WAIT_MAX), refused));
        }
        Err(refused)
    }
}

/// Returns how long the venue says to wait.
fn retry_after(response: &reqwest::Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// Returns the innermost reason: the outer ones only say that something failed.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
