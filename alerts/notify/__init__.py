"""Telling receivers about incidents: what is due, signed, delivered, tried again; the only part that does I/O."""

from alerts.notify.delivery import Delivered, Delivery, Rejected, Retry
from alerts.notify.notification import PATIENCE, Notification, NotifyState, Patience, Settled, due, settle, watch
from alerts.notify.receiver import Receiver
from alerts.notify.signature import sign, verify
from alerts.notify.webhook import Webhook

__all__ = [
    "PATIENCE",
    "Delivered",
    "Delivery",
    "Notification",
    "NotifyState",
    "Patience",
    "Receiver",
    "Rejected",
    "Retry",
    "Settled",
    "Webhook",
    "due",
    "settle",
    "sign",
    "verify",
    "watch",
]
