//! Why a call got no answer.

use std::error::Error;

use h2::Reason;

use crate::error::SendError;
use spanwire_net::error::tls_error;
use spanwire_net::grpc::Code;

/// A call without an answer.
pub struct Lost {
    pub error: SendError,
    /// The server has not looked at it, or nobody was there: it may go over another connection at once.
    pub is_unused: bool,
}

/// What `error` means for a call; `advice`: what to do about it.
pub fn lost(error: &hyper::Error, advice: &str) -> Lost {
    if let Some(error) = tls_error(error) {
        return Lost {
            error: error.into(),
            is_unused: false,
        };
    }
    let h2 = error.source().and_then(|source| source.downcast_ref::<h2::Error>());
    let is_sent_away = h2.is_some_and(|h2| {
        (h2.is_go_away() && h2.is_remote()) || (h2.is_reset() && h2.reason() == Some(Reason::REFUSED_STREAM))
    });
    let mut text = error.to_string();
    if let Some(source) = error.source() {
        text = format!("{text}: {source}");
    }
    text += advice;
    if error.is_timeout() {
        text += "; the peer did not answer a ping either";
    }
    let is_hopeless = h2.is_some_and(|h2| h2.is_reset() && h2.is_remote() && h2.reason().is_some_and(is_hopeless));
    Lost {
        error: if is_hopeless {
            SendError::Rpc {
                code: Code::Internal,
                message: text,
                retry_delay: None,
            }
        } else {
            SendError::Lost(text)
        },
        is_unused: is_sent_away || error.is_canceled(),
    }
}

/// Whether the same call would be reset again. What remains is trouble of the moment: of a proxy, of a server that ends or is busy.
fn is_hopeless(reason: Reason) -> bool {
    [
        Reason::COMPRESSION_ERROR,
        Reason::FLOW_CONTROL_ERROR,
        Reason::FRAME_SIZE_ERROR,
        Reason::HTTP_1_1_REQUIRED,
        Reason::INADEQUATE_SECURITY,
        Reason::PROTOCOL_ERROR,
    ]
    .contains(&reason)
}
