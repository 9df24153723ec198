//! The processes of both functions. Each is an execution environment, which handles one event at a
//! time.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use local::Backend;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use super::call::{Call, Target};
use crate::function::Error;
use crate::process::{self, NO_LIMITS, Process};
use crate::runtime_api::RuntimeApi;

/// The maximum time of an invocation in this load, which is less than the timeouts of the
/// functions.
const TIMEOUT: Duration = Duration::from_secs(20);
/// The number of environments of each function.
const RESET: usize = 14;
const UPDATE: usize = 4;

/// The outcome of an invocation.
pub(super) struct Invoked {
    /// Lambda's id for the request, which is also a tag of its email.
    pub(super) id: String,
    /// The result, or the error that the function reported.
    pub(super) outcome: Result<String, String>,
    pub(super) took: Duration,
}

/// The environments of both functions.
pub(super) struct Fleet {
    reset: Pool,
    update: Pool,
}

impl Fleet {
    /// Starts them on this backend, with the default limits and this response floor.
    pub(super) async fn start(
        binaries: &Path,
        backend: &Backend,
        floor: Duration,
    ) -> Result<Self, Error> {
        let start = async |target: Target, count| {
            let binary = binaries.join(target.name());
            let mut environments = Vec::new();
            for _ in 0..count {
                environments.push(Environment::start(&binary, backend, floor).await?.into());
            }
            Ok::<_, Error>(Pool::new(environments))
        };
        Ok(Self {
            reset: start(Target::Reset, RESET).await?,
            update: start(Target::Update, UPDATE).await?,
        })
    }

    /// Handles the event of a call in an environment of the function, as soon as one is idle.
    pub(super) async fn invoke(&self, call: &Call) -> Result<Invoked, Error> {
        self.pool(call.target).invoke(&call.event.to_string()).await
    }

    /// The resident memory of each process of a function, in MiB.
    pub(super) fn memory(&self, target: Target) -> Result<Vec<f64>, Error> {
        let environments = self.pool(target).environments.iter();
        environments
            .map(|environment| environment.process.memory_mib())
            .collect()
    }

    fn pool(&self, target: Target) -> &Pool {
        match target {
            Target::Reset => &self.reset,
            Target::Update => &self.update,
        }
    }
}

struct Environment {
    api: RuntimeApi,
    process: Process,
}

impl Environment {
    async fn start(binary: &Path, backend: &Backend, floor: Duration) -> Result<Self, Error> {
        let api = RuntimeApi::start().await?;
        let mut command = process::function(binary, &api, backend);
        for (limit, _) in NO_LIMITS {
            command.env_remove(limit);
        }
        command.env("RESPONSE_FLOOR_MS", floor.as_millis().to_string());
        let process = Process::start(&mut command)?;
        api.wait_until_ready().await;
        Ok(Self { api, process })
    }
}

/// The environments of one function, which are used in turn.
struct Pool {
    environments: Vec<Arc<Environment>>,
    idle: Mutex<VecDeque<Arc<Environment>>>,
    /// One permit for each idle environment.
    free: Semaphore,
}

impl Pool {
    fn new(environments: Vec<Arc<Environment>>) -> Self {
        Self {
            free: Semaphore::new(environments.len()),
            idle: Mutex::new(environments.iter().cloned().collect()),
            environments,
        }
    }

    async fn invoke(&self, event: &str) -> Result<Invoked, Error> {
        let _permit = self.free.acquire().await?;
        let environment = self.idle().pop_front().ok_or("no environment is idle")?;
        let id = uuid::Uuid::new_v4().to_string();
        let began = Instant::now();
        let result = timeout(TIMEOUT, environment.api.result(id.clone(), event)).await;
        let took = began.elapsed();
        self.idle().push_back(environment);
        let outcome = result.map_err(|_| format!("no answer within {TIMEOUT:?}"))??;
        Ok(Invoked { id, outcome, took })
    }

    fn idle(&self) -> MutexGuard<'_, VecDeque<Arc<Environment>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
