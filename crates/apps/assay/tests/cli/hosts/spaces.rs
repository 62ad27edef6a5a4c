//! Where hosts live: network namespaces, each with one cable to this process.
//!
//! Host n is at `10.77.n.2`, and what this process shows it of the others is at `10.77.x.1`. There
//! is no way from one namespace to another but through this process, as long as the machine
//! forwards nothing between the cables, and nobody is told of one.

use std::{
    net::{Ipv4Addr, SocketAddr},
    process::{Command, Stdio},
};

use crate::harness::skip;

/// Where nodes listen, and where the exchange listens for them.
const PORT: u16 = 4_820;
/// Where the exchange listens for questions to the chain.
const CHAIN_PORT: u16 = 4_821;

/// The hosts' places; namespaces go with this.
#[derive(Debug)]
pub(crate) struct Spaces {
    /// Names of the namespaces.
    names: Vec<String>,
}

impl Spaces {
    /// Makes places for this many hosts; nothing where they may not be made.
    pub(crate) fn make(count: usize) -> Option<Spaces> {
        let mut spaces = Spaces { names: Vec::new() };
        for node in 0..count {
            if let Err(why) = spaces.add(node) {
                skip(&format!("hosts with bad links: no network namespaces here ({why})"));
                return None;
            }
        }
        Some(spaces)
    }

    fn add(&mut self, node: usize) -> Result<(), String> {
        let pid = std::process::id();
        let (name, cable) = (format!("assay-{pid}-{node}"), format!("as{}h{node}", pid % 100_000));
        ip(&["netns", "add", &name])?;
        self.names.push(name.clone());
        let (ours, its) = (format!("10.77.{node}.1/24"), format!("10.77.{node}.2/24"));
        let door = format!("10.77.{node}.1");
        ip(&["link", "add", &cable, "type", "veth", "peer", "name", "eth0", "netns", &name])?;
        ip(&["addr", "add", &ours, "dev", &cable])?;
        ip(&["link", "set", &cable, "up"])?;
        for args in [
            &["addr", "add", &its, "dev", "eth0"][..],
            &["link", "set", "lo", "up"],
            &["link", "set", "eth0", "up"],
            &["route", "add", "default", "via", &door],
        ] {
            ip(&[&["-n", &name], args].concat())?;
        }
        Ok(())
    }

    fn at(node: usize, last: u8, port: u16) -> SocketAddr {
        let node = u8::try_from(node).expect("few hosts");
        SocketAddr::from((Ipv4Addr::new(10, 77, node, last), port))
    }

    /// Where a node listens.
    pub(crate) fn node(node: usize) -> SocketAddr {
        Spaces::at(node, 2, PORT)
    }

    /// Where the others find it.
    pub(crate) fn outside(node: usize) -> SocketAddr {
        Spaces::at(node, 1, PORT)
    }

    /// Where it finds the chain.
    pub(crate) fn chain(node: usize) -> SocketAddr {
        Spaces::at(node, 1, CHAIN_PORT)
    }

    /// Returns a command as it is run on a host.
    pub(crate) fn inside(&self, node: usize, command: &Command) -> Command {
        let mut inside = Command::new("ip");
        inside
            .args(["netns", "exec", &self.names[node]])
            .arg(command.get_program())
            .args(command.get_args());
        inside.stdin(Stdio::null());
        inside
    }
}

impl Drop for Spaces {
    fn drop(&mut self) {
        for name in &self.names {
            // Its cable goes with it.
            let _ = ip(&["netns", "del", name]);
        }
    }
}

fn ip(args: &[&str]) -> Result<(), String> {
    let done = Command::new("ip").args(args).stdin(Stdio::null()).output();
    let done = done.map_err(|error| format!("ip: {error}"))?;
    if done.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&done.stderr).trim().to_owned())
}
