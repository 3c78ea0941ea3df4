package spanwire.peer;

/** A peer, connected to the receiver. */
interface Sender {
  int STEP_SPANS = 64;

  /** Makes {@link #STEP_SPANS} spans. */
  void step();

  /** Sends what was made before. */
  void flush();

  /** Spans that may be made and not yet received: with more, the peer would drop some. */
  long mostOutstanding();
}
