//! Wrappers of a stream that look at what is read, and leave what is written alone.

/// `AsyncWrite` for a wrapper whose field `stream` is written to.
#[macro_export]
macro_rules! writes_pass_through {
    ($wrapper:ident) => {
        const _: () = {
            use std::io::{IoSlice, Result};
            use std::pin::Pin;
            use std::task::{Context, Poll};

            use tokio::io::AsyncWrite;

            impl<S: AsyncWrite + Unpin> AsyncWrite for $wrapper<S> {
                fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &[u8]) -> Poll<Result<usize>> {
                    Pin::new(&mut self.get_mut().stream).poll_write(context, buffer)
                }

                fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
                    Pin::new(&mut self.get_mut().stream).poll_flush(context)
                }

                fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
                    Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
                }

                fn poll_write_vectored(
                    self: Pin<&mut Self>,
                    context: &mut Context<'_>,
                    buffers: &[IoSlice<'_>],
                ) -> Poll<Result<usize>> {
                    Pin::new(&mut self.get_mut().stream).poll_write_vectored(context, buffers)
                }

                fn is_write_vectored(&self) -> bool {
                    self.stream.is_write_vectored()
                }
            }
        };
    };
}
