//! Why an interface cannot be listened to, in words an operator can act upon.

/// An interface cannot be listened to.
#[derive(Debug, thiserror::Error)]
#[error("{interface}: {message}")]
pub struct LiveError {
    /// Its name.
    pub interface: String,
    /// What is the matter.
    pub trouble: Trouble,
    message: String,
}

/// What can be the matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The filter is not one.
    Filter,
    /// The interface is there and not up.
    Down,
    /// There is no such interface.
    Missing,
    /// This user may not listen.
    NotPermitted,
    /// Anything else.
    Other,
}

impl LiveError {
    pub(super) fn new(interface: &str, error: &pcap::Error) -> Self {
        let said = match error {
            pcap::Error::PcapError(message) => message.clone(),
            other => other.to_string(),
        };
        // libpcap tells what is the matter in words alone.
        let trouble = match said.as_str() {
            s if s.contains("permission") || s.contains("not permitted") => Trouble::NotPermitted,
            s if s.contains("No such device") || s.contains("doesn't exist") || s.contains("disappeared") => {
                Trouble::Missing
            }
            s if s.contains("is not up") || s.contains("went down") || s.contains("Network is down") => Trouble::Down,
            _ => Trouble::Other,
        };
        let message = match trouble {
            Trouble::NotPermitted => "not permitted to capture".to_owned(),
            Trouble::Missing => "no such interface".to_owned(),
            Trouble::Down => "the interface is down".to_owned(),
            Trouble::Filter | Trouble::Other => said,
        };
        Self { interface: interface.to_owned(), trouble, message }
    }

    pub(super) fn filter(interface: &str, expression: &str, error: &pcap::Error) -> Self {
        let message = match error {
            pcap::Error::PcapError(message) => message.clone(),
            other => other.to_string(),
        };
        let message = format!("filter `{expression}`: {message}");
        Self { interface: interface.to_owned(), trouble: Trouble::Filter, message }
    }

    pub(super) fn fanout(interface: &str, error: &std::io::Error) -> Self {
        let message = format!("the kernel cannot share it among lanes: {error}");
        Self { interface: interface.to_owned(), trouble: Trouble::Other, message }
    }
}
