//! What a Linux desktop says of light and dark: the portal's `org.freedesktop.appearance` `color-scheme`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use zbus::object_server::SignalEmitter;
use zbus::zvariant::Value;

use crate::bus::connection;

const PATH: &str = "/org/freedesktop/portal/desktop";
const NAMESPACE: &str = "org.freedesktop.appearance";
const KEY: &str = "color-scheme";

/// What the person has chosen for the whole desktop, by the portal's numbers.
#[derive(Debug, Clone, Copy)]
pub enum Scheme {
    Dark = 1,
    Light = 2,
}

/// The portal's settings, as a test chooses them.
pub struct Appearance {
    bus: zbus::Connection,
    scheme: Arc<AtomicU32>,
}

struct Settings {
    scheme: Arc<AtomicU32>,
}

#[zbus::interface(name = "org.freedesktop.portal.Settings")]
impl Settings {
    async fn read(&self, namespace: &str, key: &str) -> zbus::fdo::Result<Value<'static>> {
        if (namespace, key) != (NAMESPACE, KEY) {
            return Err(zbus::fdo::Error::Failed("Requested setting not found".to_owned()));
        }
        // A variant in a variant: so the portal's first method is specified.
        Ok(Value::Value(Box::new(Value::U32(self.scheme.load(Ordering::Relaxed)))))
    }

    #[zbus(signal)]
    async fn setting_changed(
        emitter: &SignalEmitter<'_>,
        namespace: &str,
        key: &str,
        value: Value<'_>,
    ) -> zbus::Result<()>;
}

impl Appearance {
    pub async fn start(bus: &str, scheme: Scheme) -> Self {
        let scheme = Arc::new(AtomicU32::new(scheme as u32));
        let bus = connection(bus).await;
        bus.object_server().at(PATH, Settings { scheme: Arc::clone(&scheme) }).await.unwrap();
        bus.request_name("org.freedesktop.portal.Desktop").await.unwrap();
        Self { bus, scheme }
    }

    /// The person chooses another.
    pub async fn choose(&self, scheme: Scheme) {
        self.scheme.store(scheme as u32, Ordering::Relaxed);
        let settings = self.bus.object_server().interface::<_, Settings>(PATH).await.unwrap();
        let value = Value::U32(scheme as u32);
        Settings::setting_changed(settings.signal_emitter(), NAMESPACE, KEY, value).await.unwrap();
    }
}
