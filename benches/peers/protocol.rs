//! The harness's protocol, for the peers in Rust: `README.md` beside this file says it in words.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

pub type Failure = Box<dyn std::error::Error>;

pub const STEP_SPANS: u64 = 64;
const WARM_SPANS: u64 = 4096;
const CALIBRATED: Duration = Duration::from_millis(100);
const PAUSE: Duration = Duration::from_millis(2);
const PATIENCE: Duration = Duration::from_secs(30);

/// What the harness asks for, in the order of the arguments.
pub struct Order {
    pub workload: String,
    /// Where traces go: the whole URL.
    pub endpoint: String,
    mirror: String,
    spans: u64,
    seconds: f64,
    /// Spans a request; None: the peer's default.
    pub batch: Option<usize>,
    pub gzip: bool,
}

impl Order {
    fn from_arguments(arguments: &[String]) -> Result<Self, Failure> {
        let [workload, endpoint, mirror, spans, seconds, batch, compression] = arguments else {
            return Err("arguments: WORKLOAD ENDPOINT MIRROR SPANS SECONDS BATCH COMPRESSION".into());
        };
        Ok(Self {
            workload: workload.clone(),
            endpoint: endpoint.clone(),
            mirror: mirror.clone(),
            spans: spans.parse()?,
            seconds: seconds.parse()?,
            batch: Some(batch.parse()?).filter(|&size| size > 0),
            gzip: match compression.as_str() {
                "none" => false,
                "gzip" => true,
                other => return Err(format!("no compression {other}").into()),
            },
        })
    }
}

/// A peer, connected to the receiver.
pub trait Sender {
    /// Makes [`STEP_SPANS`] spans.
    fn step(&mut self);
    /// Sends what was made before.
    fn flush(&mut self) -> Result<(), Failure>;
    /// Spans that may be made and not yet received: with more, the peer would drop some.
    fn most_outstanding(&self) -> u64;
}

/// The program: does what the arguments say with the sender that `connect` makes.
pub fn main<S: Sender>(connect: impl FnOnce(&Order) -> Result<S, Failure>) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let reading = Order::from_arguments(&arguments).and_then(|order| {
        let mut sender = connect(&order)?;
        measure(&order, &mut sender)
    });
    match reading {
        Ok(Reading { spans, cpu, made }) => {
            println!(r#"{{"spans": {spans}, "cpu_ns": {}, "made": {made}}}"#, cpu.as_nanos());
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

struct Reading {
    spans: u64,
    cpu: Duration,
    made: u64,
}

fn measure(order: &Order, sender: &mut impl Sender) -> Result<Reading, Failure> {
    let received = Mirror::open(&order.mirror)?;
    let mut run = Run {
        sender,
        received,
        made: 0,
    };
    run.make(1)?;
    run.deliver()?;
    println!("sampled");
    io::stdin().read_line(&mut String::new())?;

    run.taken(if order.spans == 0 {
        WARM_SPANS
    } else {
        order.spans.min(WARM_SPANS)
    })?;
    let mut spans = order.spans;
    if spans == 0 {
        let (mut before, mut cpu) = (run.made, run.taken(WARM_SPANS)?);
        while cpu < CALIBRATED {
            let twice = 2 * (run.made - before);
            (before, cpu) = (run.made, run.taken(twice)?);
        }
        let made = u32::try_from(run.made - before)?;
        spans = (f64::from(made) * order.seconds / cpu.as_secs_f64()).round() as u64;
    }
    let before = run.made;
    let cpu = run.taken(spans)?;
    Ok(Reading {
        spans: run.made - before,
        cpu,
        made: run.made,
    })
}

struct Run<'a, S> {
    sender: &'a mut S,
    received: Mirror,
    made: u64,
}

impl<S: Sender> Run<'_, S> {
    /// CPU of `count` spans, from the first to the delivery of the last.
    fn taken(&mut self, count: u64) -> Result<Duration, Failure> {
        let begin = cpu()?;
        self.make(count)?;
        self.deliver()?;
        Ok(cpu()? - begin)
    }

    /// At least so many, never more outstanding than the peer can hold.
    fn make(&mut self, count: u64) -> Result<(), Failure> {
        let end = self.made + count;
        let most = self.sender.most_outstanding() - STEP_SPANS;
        while self.made < end {
            self.wait_until(|made, received| made <= received + most)?;
            self.sender.step();
            self.made += STEP_SPANS;
        }
        Ok(())
    }

    fn deliver(&mut self) -> Result<(), Failure> {
        self.sender.flush()?;
        self.wait_until(|made, received| received >= made)
    }

    fn wait_until(&self, done: impl Fn(u64, u64) -> bool) -> Result<(), Failure> {
        if done(self.made, self.received.get()) {
            return Ok(());
        }
        let end = Instant::now() + PATIENCE;
        while !done(self.made, self.received.get()) {
            if Instant::now() > end {
                let (made, received) = (self.made, self.received.get());
                return Err(format!("spans were lost: {made} spans made, {received} received").into());
            }
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }
}

/// The number of spans that the receiver has: eight bytes of a file that it writes.
struct Mirror(&'static AtomicU64);

impl Mirror {
    fn open(path: &str) -> io::Result<Self> {
        let file = File::open(path)?;
        let (length, read, shared) = (size_of::<AtomicU64>(), libc::PROT_READ, libc::MAP_SHARED);
        // SAFETY: a new mapping that overlaps nothing; the kernel checks the descriptor.
        let memory = unsafe { libc::mmap(std::ptr::null_mut(), length, read, shared, file.as_raw_fd(), 0) };
        if memory == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a page, so aligned, and never unmapped; whoever else writes it writes all eight bytes at once.
        Ok(Self(unsafe { &*memory.cast::<AtomicU64>() }))
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

/// User and system time of all threads.
fn cpu() -> io::Result<Duration> {
    let mut used = std::mem::MaybeUninit::<libc::rusage>::uninit();
    // SAFETY: it writes the whole struct that the pointer is to, or fails.
    let used = unsafe {
        if libc::getrusage(libc::RUSAGE_SELF, used.as_mut_ptr()) != 0 {
            return Err(io::Error::last_os_error());
        }
        used.assume_init()
    };
    let time = |of: libc::timeval| Duration::new(of.tv_sec as u64, of.tv_usec as u32 * 1000);
    Ok(time(used.ru_utime) + time(used.ru_stime))
}
