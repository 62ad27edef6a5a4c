//! A node's metrics over HTTP, as Prometheus reads them.

use std::{net::SocketAddr, sync::Arc};

use anyhow::Context as _;
use axum::{Router, http::header::CONTENT_TYPE, routing::get};
use node::Pulse;
use prometheus_client::{encoding::text::encode, registry::Registry};
use tokio::net::TcpListener;

/// What Prometheus takes.
const FORMAT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Serves them until the process ends.
pub(super) async fn serve(address: SocketAddr, pulse: Pulse) -> anyhow::Result<()> {
    let mut registry = Registry::with_prefix("assay");
    pulse.register(&mut registry);
    let registry = Arc::new(registry);
    let show = move || {
        let registry = registry.clone();
        async move {
            let mut text = String::new();
            // Writing to a string does not fail.
            let _ = encode(&mut text, &registry);
            ([(CONTENT_TYPE, FORMAT)], text)
        }
    };
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("--metrics {address}: cannot listen there"))?;
    tracing::info!(address = %listener.local_addr()?, "metrics");
    tokio::spawn(async move {
        let router = Router::new().route("/metrics", get(show));
        if let Err(error) = axum::serve(listener, router).await {
            tracing::warn!(%error, "metrics are not served any more");
        }
    });
    Ok(())
}
