# A Rails application behind tls-off: puma -b "unix:///run/app/app.sock?umask=0117" rails_app.ru
require "action_controller/railtie"

# Whoever reaches this socket came by HTTPS. From Rails 7.1 on `config.assume_ssl = true` is the same.
class AssumeSSL
  def initialize(app)
    @app = app
  end

  def call(env)
    env["HTTPS"] = "on"
    env["rack.url_scheme"] = "https"
    @app.call(env)
  end
end

class Application < Rails::Application
  config.eager_load = false
  config.hosts.clear # in production the names of the site
  config.secret_key_base = "only of this example"
  config.force_ssl = true
  config.middleware.insert_before 0, AssumeSSL
  config.logger = Logger.new(nil)
  routes.append { root to: "index#index" }
end

class IndexController < ActionController::Base
  def index
    cookies[:seen] = { value: "1", httponly: true }
    render plain: "#{request.scheme} #{request.ssl?}"
  end
end

Application.initialize!
run Application
