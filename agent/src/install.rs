//! `install`, `uninstall`, `status`: having the system start the agent. Here: carrying a plan out.
//! Not here: what the plan is on each kind of system (`plan`).

pub(crate) mod plan;
#[cfg(test)]
mod tests;

use std::process::{Command, Output};

use crate::config::Config;
use crate::config::args::{self, Asked, Service};
use crate::log::log;
use crate::places;
use plan::{Plan, Step};

/// Writes what the plan says and runs its commands; or prints it.
pub(crate) fn install(service: &Service) -> Result<String, String> {
    let (config, plan) = plan_of(service)?;
    if service.print {
        return Ok(plan.show());
    }
    if !plan.is_usable() {
        let manual = format!("windlass-agent run --config {}", service.file.display());
        return Err(format!(
            "no service manager is running here that this program knows; have `{manual}` started \
             by what there is, or see `install --print`"
        ));
    }
    if let Some((path, text)) = &plan.file {
        let cannot =
            |error: std::io::Error| format!("{}: cannot write it: {error}", path.display());
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(cannot)?;
        }
        std::fs::write(path, text).map_err(cannot)?;
    }
    carry_out(&plan.install)?;
    Ok(format!(
        "{} is installed as {} and started\n",
        config.name, plan.name
    ))
}

/// Undoes that. Configuration, key, work and journals stay.
pub(crate) fn uninstall(service: &Service) -> Result<String, String> {
    let (config, plan) = plan_of(service)?;
    if service.print {
        return Ok(plan.show_removal());
    }
    if plan.is_usable() {
        carry_out(&plan.uninstall)?;
    }
    if let Some((path, _)) = &plan.file {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(format!("{}: cannot remove it: {error}", path.display()));
            }
            _ => {}
        }
    }
    if plan.is_usable() {
        carry_out(&plan.afterwards)?;
    }
    Ok(format!(
        "{} is not installed any more; {} and what it names are still there\n",
        config.name,
        service.file.display()
    ))
}

/// What there is, a line each.
pub(crate) fn status(service: &Service) -> Result<String, String> {
    let (config, plan) = plan_of(service)?;
    let key = match crate::key::read_key(&config.key_file) {
        Ok(_) => "there".to_owned(),
        Err(why) => why,
    };
    let installed = match &plan.file {
        Some((path, text)) => match std::fs::read_to_string(path) {
            Ok(found) if found == *text => format!("as {}", path.display()),
            Ok(_) => format!(
                "as {}, with other contents than `install` writes",
                path.display()
            ),
            Err(_) => "no".to_owned(),
        },
        None => first_line(&plan.state).unwrap_or_else(|| "unknown".into()),
    };
    let managed = match &plan.file {
        Some((path, _)) if path.exists() => first_line(&plan.state),
        _ => None,
    };
    let running = match is_locked(&config) {
        true => "yes",
        false => "no",
    };
    let mut text = format!(
        "name        {}\nmaster      {}\nversion     {}config      {}\nkey         {key}\n\
         installed   {installed}\nrunning     {running}\n",
        config.name,
        config.way,
        args::version().trim_start_matches("windlass-agent "),
        service.file.display(),
    );
    if let Some(managed) = managed {
        text.push_str(&format!("manager     {managed}\n"));
    }
    if let Some(why) = crate::upgrade::last_failure(&config.state) {
        text.push_str(&format!("upgrade     went back: {why}\n"));
    }
    if service.print {
        text.push('\n');
        text.push_str(&plan.show());
    }
    Ok(text)
}

/// Whether an agent holds the lock of its state.
fn is_locked(config: &Config) -> bool {
    let file = std::fs::File::options()
        .write(true)
        .open(config.state.join("lock"));
    file.is_ok_and(|file| file.try_lock().is_err())
}

fn plan_of(service: &Service) -> Result<(Config, Plan), String> {
    let file = &service.file;
    if !file.is_file() {
        return Err(format!(
            "{}: there is no such file; run `windlass-agent enroll` first, or name another with \
             `--config`",
            file.display()
        ));
    }
    let words = ["run".into(), "--config".into(), file.into()];
    let Asked::Run(config) = args::parse_args(words)? else {
        return Err(format!("{}: no configuration", file.display()));
    };
    let program = std::env::current_exe()
        .map_err(|error| format!("cannot tell where this program is: {error}"))?;
    let name = match places::config_file().as_ref() == Some(file) {
        true => "windlass-agent".to_owned(),
        false => format!("windlass-agent-{}", config.name),
    };
    let plan = Plan::here(&name, &program, file, &config.state);
    Ok((*config, plan))
}

fn carry_out(steps: &[Step]) -> Result<(), String> {
    for step in steps {
        match run(&step.words) {
            Ok(output) if output.status.success() => {}
            failed => {
                let why = match failed {
                    Ok(output) => {
                        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
                        format!("{}: {said}", output.status)
                    }
                    Err(error) => error.to_string(),
                };
                let text = format!("`{}`: {why}", step.words.join(" "));
                if step.may_fail {
                    log!("{text}");
                } else {
                    return Err(text);
                }
            }
        }
    }
    Ok(())
}

fn run(words: &[String]) -> std::io::Result<Output> {
    let mut words = words.iter();
    let program = words.next().map_or("", String::as_str);
    Command::new(program).args(words).output()
}

/// The first line that a command prints, whether or not it calls that a success.
fn first_line(words: &[String]) -> Option<String> {
    let output = run(words).ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    Some(line.to_owned())
}
