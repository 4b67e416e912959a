# Strongroom's configuration. After a change: systemctl restart strongroom (certificates alone: reload).

storage "embedded" {
  path = "/var/lib/strongroom"
}

# Only this machine, in plain HTTP. For others: another address, and tls_cert_file and tls_key_file instead of tls_disable
# (see /usr/share/strongroom/tls.conf).
listener "tcp" {
  address     = "127.0.0.1:8200"
  tls_disable = true
}

audit "file" "file" {
  options = {
    file_path = "/var/log/strongroom/audit.log"
  }
}

# Figures for Prometheus, to everybody on this machine.
# telemetry {
#   metrics_address = "127.0.0.1:9102"
# }
