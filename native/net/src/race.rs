//! Whichever of two futures ends first. (tokio's `select!` would bring a procedural macro for these two places.)

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

/// Which of two came first, and what it gave.
pub enum Either<A, B> {
    /// The first.
    First(A),
    /// The second.
    Second(B),
}

/// Awaits both; the first wins a tie, the loser is dropped.
pub async fn race<A, B>(first: impl Future<Output = A>, second: impl Future<Output = B>) -> Either<A, B> {
    let (mut first, mut second) = (pin!(first), pin!(second));
    poll_fn(move |context| {
        if let Poll::Ready(output) = first.as_mut().poll(context) {
            return Poll::Ready(Either::First(output));
        }
        second.as_mut().poll(context).map(Either::Second)
    })
    .await
}
