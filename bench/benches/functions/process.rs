//! Programs of this workspace as separate processes, with measurements by the operating system.

use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use local::Backend;
use nix::time::{ClockId, clock_getcpuclockid};
use nix::unistd::Pid;

use super::Error;
use super::runtime_api::RuntimeApi;

/// A process that is killed on drop.
pub(super) struct Process {
    child: Child,
    pid: Pid,
    clock: ClockId,
}

impl Process {
    pub(super) fn start(command: &mut Command) -> Result<Self, Error> {
        let child = command.spawn()?;
        let pid = Pid::from_raw(child.id().try_into()?);
        let clock = clock_getcpuclockid(pid)?;
        Ok(Self { child, pid, clock })
    }

    pub(super) fn id(&self) -> Pid {
        self.pid
    }

    /// Its output, if that goes to a pipe.
    pub(super) fn stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// The CPU time of all its threads so far.
    pub(super) fn cpu_time(&self) -> Result<Duration, Error> {
        cpu_time(self.clock)
    }

    /// The CPU time so far of its main thread, which does everything except hashing (proc(5),
    /// `schedstat`).
    pub(super) fn main_cpu_time(&self) -> Result<Duration, Error> {
        let statistics =
            std::fs::read_to_string(format!("/proc/{0}/task/{0}/schedstat", self.pid))?;
        let nanoseconds = statistics.split(' ').next().unwrap_or_default().parse()?;
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// Minor page faults so far (proc(5), field 10 of `stat`).
    pub(super) fn page_faults(&self) -> Result<u64, Error> {
        let statistics = std::fs::read_to_string(format!("/proc/{}/stat", self.pid))?;
        let (_, after_name) = statistics.rsplit_once(')').ok_or("no name in stat")?;
        let faults = after_name.split_whitespace().nth(7).unwrap_or_default();
        Ok(faults.parse()?)
    }

    /// The peak resident memory so far.
    pub(super) fn peak_memory_mib(&self) -> Result<f64, Error> {
        self.status_mib("VmHWM:")
    }

    /// Waits for its end. Returns its status and its peak memory, which is read every millisecond:
    /// the peak that the operating system reports after the end is never less than the memory of
    /// the parent.
    pub(super) async fn finish(mut self) -> Result<(ExitStatus, f64), Error> {
        let mut peak: f64 = 0.0;
        loop {
            // It no longer has any memory once it has ended.
            peak = peak.max(self.peak_memory_mib().unwrap_or_default());
            if let Some(status) = self.child.try_wait()? {
                return Ok((status, peak));
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Resident memory.
    pub(super) fn memory_mib(&self) -> Result<f64, Error> {
        self.status_mib("VmRSS:")
    }

    /// A line of `status` (proc(5)).
    fn status_mib(&self, name: &str) -> Result<f64, Error> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        let mut lines = status.lines();
        let line = lines.find_map(|line| line.strip_prefix(name));
        let line = line.ok_or_else(|| format!("no {name} in status"))?;
        let kib: u32 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(f64::from(kib) / 1024.0)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails if the process has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(super) fn cpu_time(clock: ClockId) -> Result<Duration, Error> {
    Ok(clock.now()?.into())
}

/// Runs `cargo build` with these arguments, like [`cargo`].
pub(super) fn build(arguments: &[&str]) -> Result<PathBuf, Error> {
    cargo("build", arguments)
}

/// Runs a command of cargo that builds, with these arguments and the profile of this program.
/// Returns the folder of the binaries. Build the functions separately: otherwise their features
/// would be unified with those of other packages.
pub(super) fn cargo(command: &str, arguments: &[&str]) -> Result<PathBuf, Error> {
    let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
    let profile = if cfg!(debug_assertions) {
        "dev"
    } else {
        "release"
    };
    let mut build = Command::new(cargo);
    build
        // Runs in the root, because default members do not apply in a member's folder.
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .args([command, "--profile", profile])
        .args(arguments);
    // Removes the variables that Cargo sets for this benchmark. Build scripts would treat them as a
    // change and cause rebuilds, here and next time.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            build.env_remove(name);
        }
    }
    let status = build.status()?;
    if !status.success() {
        return Err("the programs could not be built".into());
    }
    // This program is target/PROFILE/deps/functions-HASH.
    let program = std::env::current_exe()?;
    let folder = program
        .ancestors()
        .nth(2)
        .ok_or("this program is not in target/PROFILE/deps")?;
    Ok(folder.to_owned())
}

/// A Lambda binary with the environment of a function, without a floor or limits.
pub(super) fn function(binary: &Path, api: &RuntimeApi, backend: &Backend) -> Command {
    let mut command = Command::new(binary);
    configure(&mut command, api, backend);
    command
}

/// Gives a command the environment of a function, without a floor or limits.
pub(super) fn configure(command: &mut Command, api: &RuntimeApi, backend: &Backend) {
    command
        .env_clear()
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .envs([
            ("AWS_LAMBDA_RUNTIME_API", api.address.as_str()),
            ("AWS_LAMBDA_FUNCTION_NAME", "bench"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1769"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
            ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
            ("AWS_ENDPOINT_URL_DYNAMODB", &backend.dynamodb_url),
            ("AWS_ENDPOINT_URL_SESV2", &backend.ses_url),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "local"),
            ("AWS_SECRET_ACCESS_KEY", "local"),
            ("RESPONSE_FLOOR_MS", "0"),
        ])
        .envs(NO_LIMITS);
    let names = [
        "USERS_TABLE",
        "LIMITS_TABLE",
        "AUDIT_TABLE",
        "BRANDS_TABLE",
        "SESSIONS_TABLE",
        "PRODUCT_NAME",
        "MAIL_FROM",
        "SUPPORT_CONTACT",
        "LOGIN_URL",
    ];
    for name in names {
        command.env(name, local::default_variable(name).unwrap_or_default());
    }
    if let Some(bundle) = CERTIFICATES.iter().find(|path| Path::new(path).exists()) {
        command.env("SSL_CERT_FILE", bundle);
    }
}

/// The certificate bundles: the template's, then Debian's.
const CERTIFICATES: [&str; 2] = [
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/certs/ca-certificates.crt",
];

/// All requests are for one name or from one source, so limits would refuse them.
pub(super) const NO_LIMITS: [(&str, &str); 3] = [
    ("RESET_PER_MINUTE", "0"),
    ("RESET_PER_HOUR", "0"),
    ("SOURCE_PER_MINUTE", "0"),
];
