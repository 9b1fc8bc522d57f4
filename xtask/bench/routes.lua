-- Each request goes to one of so many routes, at random.
local routes
function init(args)
    routes = tonumber(args[1])
end
function request()
    return wrk.format(nil, "/route-" .. math.random(0, routes - 1) .. "/1k")
end
