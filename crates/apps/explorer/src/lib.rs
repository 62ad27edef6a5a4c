//! The explorer: every page of the product, rendered on the server from one [`View`](view::View).
//!
//! Whoever runs it keeps a [`tokio::sync::watch`] channel of views and hands the receiving end to
//! [`State`]; each page is drawn from the view of the moment, and a stream of server-sent events
//! tells open pages to fetch themselves again.
//! Invariant: the pages work offline and load nothing from elsewhere; scripts, styles and charts
//! are embedded in the binary, and a strict content security policy would refuse anything else.
//! Deliberately absent: writing. No form, no key, no transaction; nothing a reader does changes the
//! network.
//!
//! ```
//! use explorer::{State, view::View};
//! use std::sync::Arc;
//!
//! let (sender, receiver) = tokio::sync::watch::channel(Arc::new(View::default()));
//! let pages = explorer::router(State::new(receiver));
//! sender.send_replace(Arc::new(View::default())); // every open page follows
//! # drop(pages);
//! ```

mod api;
mod assets;
mod bars;
mod chart;
pub mod format;
mod headers;
mod live;
mod pages;
mod parts;
mod picture;
mod told;
pub mod view;
mod walk;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::get;
use std::io;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;
pub use view::View;

/// The colours and fonts of the pages, as CSS variables for light and dark, for pages that are
/// written elsewhere.
pub const PALETTE: &str = include_str!("../assets/palette.css");

/// What the pages are drawn from; cheap to clone.
#[derive(Clone, Debug)]
pub struct State {
    view: watch::Receiver<Arc<View>>,
}

impl State {
    /// Takes the receiving end of the views.
    #[must_use]
    pub fn new(view: watch::Receiver<Arc<View>>) -> State {
        State { view }
    }

    /// Returns the view of the moment.
    #[must_use]
    pub fn view(&self) -> Arc<View> {
        self.view.borrow().clone()
    }
}

/// Returns all pages, their JSON, their events and their assets as one axum router.
pub fn router(state: State) -> Router {
    Router::new()
        .route("/", get(pages::now::show))
        .route("/rounds", get(pages::rounds::list))
        .route("/rounds/{number}", get(pages::rounds::show))
        .route("/disputes", get(pages::disputes::list))
        .route("/disputes/{id}", get(pages::disputes::show))
        .route("/nodes", get(pages::nodes::list))
        .route("/nodes/{index}", get(pages::nodes::show))
        .route("/model", get(pages::model::show))
        .route("/oracle", get(pages::oracle::show))
        .route("/accounts", get(pages::accounts::list))
        .route("/accounts/{address}", get(pages::accounts::show))
        .route("/house", get(pages::house::show))
        .route("/jobs", get(pages::jobs::list))
        .route("/blocks", get(pages::blocks::list))
        .route("/blocks/{number}", get(pages::blocks::show))
        .route("/tx/{hash}", get(pages::blocks::tx))
        .route("/events", get(live::events))
        .route("/assets/{*path}", get(assets::serve))
        .nest("/api", api::routes())
        .nest("/charts", chart::routes())
        .fallback(pages::missing::fallback)
        .layer(from_fn(headers::protect))
        .with_state(state)
}

/// Serves the pages on this listener until the task is dropped.
///
/// # Errors
///
/// The error of the listener, once it can take no more connections.
pub async fn serve(listener: TcpListener, state: State) -> io::Result<()> {
    axum::serve(listener, router(state)).await
}
