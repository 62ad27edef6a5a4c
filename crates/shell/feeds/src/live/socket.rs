//! A websocket, in the clear or over TLS with the system's certificates.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream};

/// How long connecting may take.
const CONNECT_MAX: Duration = Duration::from_secs(15);
/// The largest message: a whole book of 5,000 levels a side stays far below it.
const MESSAGE_BYTES_MAX: usize = 16 << 20;

pub(super) type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Connects, or says in words why not.
pub(super) async fn connect(url: &str) -> Result<Stream, String> {
    let limits = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX));
    let connector = if url.starts_with("wss:") { tls()? } else { Connector::Plain };
    let connecting =
        tokio_tungstenite::connect_async_tls_with_config(url, Some(limits), true, Some(connector));
    match tokio::time::timeout(CONNECT_MAX, connecting).await {
        Ok(Ok((stream, _))) => Ok(stream),
        Ok(Err(error)) => Err(format!("{url}: {error}")),
        Err(_) => Err(format!("{url}: no answer in {} s", CONNECT_MAX.as_secs())),
    }
}

/// The system's certificates, and the provider that REST has too.
fn tls() -> Result<Connector, String> {
    static CONFIG: OnceLock<Result<Arc<ClientConfig>, String>> = OnceLock::new();
    let config = CONFIG.get_or_init(|| {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_platform_verifier());
        config
            .map(|builder| Arc::new(builder.with_no_client_auth()))
            .map_err(|error| error.to_string())
    });
    config.clone().map(Connector::Rustls)
}
