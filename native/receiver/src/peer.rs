//! The client of a connection, as a request's handler sees it: what can be done to it but answer.

use std::future::pending;
use std::net::SocketAddr;
use std::time::Duration;

use h2::Reason;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::sleep;

use crate::fault::{Disconnect, Fault};
use crate::stream::SharedStream;

/// A connection's client.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    stream: SharedStream,
    /// To who drives the connection; None on HTTP/1.1, which has one request at a time and needs none.
    orders: Option<UnboundedSender<Order>>,
    only_grpc: bool,
}

/// What a handler asks of who drives an HTTP/2 connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// GOAWAY with this code; streams that are open go on.
    GoAway(u32),
    /// The connection ends.
    End(End),
}

/// Ways in which a connection ends for all its streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Close,
    Reset,
    HalfClose,
    Freeze,
    /// GOAWAY with this code, which says that no request was taken, before an orderly end.
    GoAway(u32),
}

/// The error that makes hyper end the connection (HTTP/1.1) or the stream (HTTP/2) without an answer.
#[derive(Debug, thiserror::Error)]
#[error("no answer, or not all of it, as the test ordered")]
pub(crate) struct NoAnswer(#[source] Option<h2::Error>);

impl Peer {
    pub(crate) fn http1(stream: SharedStream) -> Self {
        Self {
            stream,
            orders: None,
            only_grpc: false,
        }
    }

    pub(crate) fn http2(stream: SharedStream, orders: UnboundedSender<Order>, only_grpc: bool) -> Self {
        Self {
            stream,
            orders: Some(orders),
            only_grpc,
        }
    }

    pub(crate) fn is_http2(&self) -> bool {
        self.orders.is_some()
    }

    /// Whether it came to the port that is gRPC's own.
    pub(crate) fn only_grpc(&self) -> bool {
        self.only_grpc
    }

    /// Asks for GOAWAY; on HTTP/1.1 the answer itself says it.
    pub(crate) fn go_away(&self, code: u32) {
        if let Some(orders) = &self.orders {
            // Fails only when the connection has ended.
            let _ = orders.send(Order::GoAway(code));
        }
    }

    /// Ends it before the request's body is read, after the fault's delay.
    pub(crate) async fn disconnect_before_body(&self, fault: &Fault) -> NoAnswer {
        if !fault.delay.is_zero() {
            sleep(fault.delay).await;
        }
        self.disconnect(fault.before_body().unwrap_or(Disconnect::Close), fault.error_code)
            .await
    }

    /// Where it comes from; None over a Unix socket.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.stream.peer()
    }

    /// Ends the connection or the stream as ordered. What it returns is for hyper; where the client has to end it, it
    /// waits for that.
    pub(crate) async fn disconnect(&self, kind: Disconnect, code: u32) -> NoAnswer {
        if let Some(error) = self.begin(kind, code) {
            return error;
        }
        if self.is_http2() {
            // hyper drops this with the stream.
            return pending().await;
        }
        sleep(HELD_TIME).await;
        NoAnswer(None)
    }

    /// Does it, or returns the error that lets hyper do it; None if there is nothing more to do but to wait.
    pub(crate) fn begin(&self, kind: Disconnect, code: u32) -> Option<NoAnswer> {
        let Some(orders) = &self.orders else {
            // What fails here fails on a connection that is gone already.
            match kind {
                Disconnect::Reset => {
                    let _ = self.stream.reset_on_close();
                }
                Disconnect::HalfClose => {
                    let _ = self.stream.half_close();
                    return None;
                }
                Disconnect::Stall | Disconnect::Freeze => return None,
                _ => {}
            }
            return Some(NoAnswer(None));
        };
        let end = match kind {
            Disconnect::Stall => return None,
            Disconnect::ResetStream | Disconnect::Truncate | Disconnect::GoAwayAfter => {
                return Some(NoAnswer(Some(Reason::from(code).into())));
            }
            Disconnect::Close => End::Close,
            Disconnect::Reset => End::Reset,
            Disconnect::HalfClose => End::HalfClose,
            Disconnect::Freeze => End::Freeze,
            Disconnect::GoAway => End::GoAway(code),
        };
        let _ = orders.send(Order::End(end));
        None
    }
}

/// How long a connection is held open for a client that does not close it.
pub(crate) const HELD_TIME: Duration = Duration::from_secs(60);
