"""The log: connections to Kafka, topics, bulk sending and views of compacted topics."""
