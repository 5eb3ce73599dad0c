//! `/agent`: where agents come in through the pages' port, by upgrade to a WebSocket. Here: the
//! words of HTTP. What goes through it is the sessions' affair.

use std::convert::Infallible;

use actix_web::http::{StatusCode, header};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use tokio::sync::mpsc;

use super::fault::Fault;
use crate::app::App;
use crate::error::Error;
use crate::session::{Upgraded, accept_value};

/// `GET /agent`: 101 for an agent; 426 for everybody else.
pub async fn upgrade(
    app: Data<App>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Fault> {
    let Some(key) = wanted(&request) else {
        let text = "agents connect here, by a WebSocket: give one `--master` with this address\n";
        return Ok(HttpResponse::build(StatusCode::UPGRADE_REQUIRED)
            .insert_header((header::UPGRADE, "websocket"))
            .content_type("text/plain; charset=utf-8")
            .body(text));
    };
    let peer = request.peer_addr();
    let joined = peer.and_then(|peer| app.entrance.join(peer));
    let Some(Upgraded { incoming, outgoing }) = joined else {
        let text = "too many connections of agents are open: try later";
        return Err(Fault(Error::Busy(text.to_owned())));
    };
    actix_web::rt::spawn(carry(payload, incoming));
    let chunks = stream::unfold(outgoing, |mut outgoing| async move {
        let chunk = outgoing.recv().await?;
        Some((Ok::<Bytes, Infallible>(chunk), outgoing))
    });
    Ok(HttpResponse::build(StatusCode::SWITCHING_PROTOCOLS)
        .upgrade("websocket")
        .insert_header(("sec-websocket-accept", accept_value(&key)))
        .streaming(chunks))
}

/// The key of a request for a WebSocket.
fn wanted(request: &HttpRequest) -> Option<String> {
    let header = |name: &str| request.headers().get(name)?.to_str().ok();
    let upgrades = header("upgrade")?.trim().eq_ignore_ascii_case("websocket");
    let version = header("sec-websocket-version")?.trim() == "13";
    let key = header("sec-websocket-key")?.trim();
    // 16 bytes in base64.
    (upgrades && version && key.len() == 24).then(|| key.to_owned())
}

/// Hands the chunks of the request on until either side ends.
async fn carry(mut payload: Payload, incoming: mpsc::Sender<Bytes>) {
    while let Some(Ok(chunk)) = payload.next().await {
        if incoming.send(chunk).await.is_err() {
            return;
        }
    }
}
