//! [`Lanes`]: where the frames of one reader wait: in a lane of its own, and in those of queues that it shares with others.

use std::sync::Arc;

use crate::lane::Lane;
use crate::limits::Counts;

/// The lanes of one reader.
#[derive(Debug)]
pub struct Lanes {
    own: Arc<Lane>,
    joined: Vec<Arc<Lane>>,
    /// Counts of lanes that are gone.
    gone: Counts,
    /// What `take_counts` has reported, and in which process.
    told: Counts,
    told_in: u64,
}

impl Lanes {
    /// A lane of its own.
    #[must_use]
    pub fn new(own: Arc<Lane>) -> Self {
        Self {
            own,
            joined: Vec::new(),
            gone: Counts::default(),
            told: Counts::default(),
            told_in: 0,
        }
    }

    /// Another one, of a shared queue.
    pub fn join(&mut self, lane: Arc<Lane>) {
        self.joined.push(lane);
    }

    /// All of them, its own first.
    pub fn all(&mut self) -> Vec<Arc<Lane>> {
        self.tidy();
        let own = std::iter::once(&self.own);
        own.chain(&self.joined).map(Arc::clone).collect()
    }

    /// Lets go of lanes that are empty, that nobody can append to and that nobody reads any more.
    fn tidy(&mut self) {
        let gone = &mut self.gone;
        self.joined.retain(|lane| {
            let counts = lane.counts();
            let is_gone = counts.queued == 0 && lane.is_orphaned() && Arc::strong_count(lane) == 1;
            if is_gone {
                *gone += counts;
            }
            !is_gone
        });
    }

    /// The counts of all that there are and were.
    pub fn counts(&mut self) -> Counts {
        let all = self.all();
        let mut sum = self.gone;
        for lane in &all {
            sum += lane.counts();
        }
        sum
    }

    /// What was counted since the last call: in a forked child since the fork. What waits is told as it is.
    pub fn take_counts(&mut self) -> Counts {
        let (now, generation) = (self.counts(), self.own.generation());
        if self.told_in != generation {
            (self.told, self.told_in) = (self.gone, generation); // all others begin at zero
        }
        now.since(std::mem::replace(&mut self.told, now))
    }

    /// Those that the caller must see to being read from now on: each is given to one caller a process.
    pub fn begin(&mut self) -> Vec<Arc<Lane>> {
        self.all().into_iter().filter(|lane| lane.begin_reader()).collect()
    }
}
