//! `plainsight interfaces`.

use anyhow::Result;

use super::exit::Exit;
use super::screen::Screen;

const EXAMPLES: &str = "\
Examples:
  plainsight interfaces            all of them
  plainsight interfaces eth1       may I listen on this one, and if not, what can be done?

Exit status: 0 done; 2 one that was named cannot be listened on.";

/// What was typed.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Only these
    #[arg(value_name = "NAME")]
    names: Vec<String>,
}

#[cfg(feature = "live")]
pub(super) fn run(args: &Args, screen: &mut Screen) -> Result<Exit> {
    listed::run(&args.names, screen)
}

/// Without libpcap nobody knows.
#[cfg(not(feature = "live"))]
pub(super) fn run(args: &Args, _: &mut Screen) -> Result<Exit> {
    let what = if args.names.is_empty() { "listing interfaces".to_owned() } else { args.names.join(", ") };
    anyhow::bail!("{what}: this needs libpcap, and this build is without it (build with the feature `live`)")
}

#[cfg(feature = "live")]
mod listed {
    use std::path::Path;

    use anyhow::{Context as _, Result, bail};
    use pcap::{Capture, Device};

    use crate::cli::exit::Exit;
    use crate::cli::screen::Screen;
    use crate::cli::{complain, permission};
    use crate::report::layout::{BAD, BOLD, DIM, GOOD, NAME, POOR, Text, table};

    pub(super) fn run(names: &[String], screen: &mut Screen) -> Result<Exit> {
        let mut devices = Device::list().context("libpcap cannot list the interfaces")?;
        if devices.is_empty() {
            bail!("libpcap knows no interface here");
        }
        let unknown = names.iter().filter(|name| devices.iter().all(|device| device.name != **name));
        let mut troubles: Vec<String> = unknown.map(|name| permission::advice(name, "no such interface")).collect();
        devices.retain(|device| names.is_empty() || names.contains(&device.name));
        let tried: Vec<Option<Trial>> = devices.iter().map(Trial::of).collect();
        if !devices.is_empty() {
            let head =
                ["interface", "state", "listen", "link type", "addresses"].map(|title| Text::styled(BOLD, title));
            let rows = devices.iter().zip(&tried).map(|(device, trial)| row(device, trial.as_ref()));
            let rows = std::iter::once(head.to_vec()).chain(rows).collect();
            let width = screen.width();
            screen.lines(table(rows, 0, width, &[4]))?;
        }
        let refused = devices.iter().zip(&tried).filter_map(|(device, trial)| {
            let said = trial.as_ref()?.said.as_ref().err()?;
            Some((device.name.as_str(), said.as_str()))
        });
        if names.is_empty() {
            // Among all of them one is down, one is a queue of the firewall: only what holds for all is told.
            let forbidden = refused.into_iter().find(|(_, said)| permission::is_refusal(said));
            if let Some((name, said)) = forbidden {
                complain(&permission::advice(name, said));
            }
            return Ok(Exit::Done);
        }
        // What helps against the first refusal helps against all.
        let mut forbidden = false;
        let news =
            refused.filter(|(_, said)| !permission::is_refusal(said) || !std::mem::replace(&mut forbidden, true));
        troubles.extend(news.map(|(name, said)| permission::advice(name, said)));
        for trouble in &troubles {
            complain(trouble);
        }
        Ok(if troubles.is_empty() { Exit::Done } else { Exit::Mistake })
    }

    /// What came of opening an interface for a moment, without asking it for what is not addressed to it.
    struct Trial {
        /// The link type, or what libpcap says.
        said: Result<String, String>,
    }

    impl Trial {
        /// `None` for what is no network interface: opening a netfilter queue would take its packets away.
        fn of(device: &Device) -> Option<Self> {
            let name = device.name.as_str();
            let network =
                Path::new("/sys/class/net").join(name).exists() || name == "any" || !cfg!(target_os = "linux");
            let opened = network.then(|| Capture::from_device(name)?.promisc(false).snaplen(64).open())?;
            let said = match opened {
                Ok(capture) => Ok(link_type(&capture)),
                Err(pcap::Error::PcapError(said)) => Err(said),
                Err(other) => Err(other.to_string()),
            };
            Some(Self { said })
        }
    }

    fn link_type(capture: &Capture<pcap::Active>) -> String {
        let link = capture.get_datalink();
        link.get_name().unwrap_or_else(|_| link.0.to_string())
    }

    fn row(device: &Device, trial: Option<&Trial>) -> Vec<Text> {
        let flags = &device.flags;
        let mut state = match (flags.is_up(), flags.is_running()) {
            _ if trial.is_none() => Text::new(),
            (true, true) => Text::styled(GOOD, "up"),
            (true, false) => Text::styled(POOR, "up, no link"),
            (false, _) => Text::styled(DIM, "down"),
        };
        for (is, word) in [(flags.is_loopback(), " loopback"), (flags.is_wireless(), " wireless")] {
            if is && trial.is_some() {
                state = state.with(DIM, word);
            }
        }
        let (listen, link) = match trial {
            None => (Text::styled(DIM, "not tried"), Text::new()),
            Some(Trial { said: Ok(link) }) => (Text::styled(GOOD, "yes"), Text::plain(link)),
            Some(Trial { said: Err(why) }) if permission::is_refusal(why) => {
                (Text::styled(BAD, "not permitted"), Text::new())
            }
            Some(_) if !flags.is_up() => (Text::styled(POOR, "once it is up"), Text::new()),
            Some(Trial { said: Err(why) }) => (Text::styled(BAD, why), Text::new()),
        };
        let mut about: Vec<String> = device.addresses.iter().map(|address| address.addr.to_string()).collect();
        about.extend(device.desc.clone());
        vec![Text::styled(NAME, &device.name), state, listen, link, Text::styled(DIM, &about.join("  "))]
    }
}
